// The browser that the machine's owner chose.
#pragma once

#include <string>

namespace mudra {

// Has it show an address, and waits for nothing. Where there is none, standard error says so; it never throws
// but for want of memory.
void show_in_browser(const std::string& url);

}  // namespace mudra
