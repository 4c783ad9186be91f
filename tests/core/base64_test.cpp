#include "mudra/core/base64.h"

#include <gtest/gtest.h>

namespace mudra {
namespace {

// RFC 4648, section 10
const std::pair<std::string, std::string> vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+"},
};

TEST(Base64, IsThatOfTheRfcBothWays) {
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, OfAnotherFormIsRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "====", "Z===", "=Zg=", "Zm=v", "Zg==Zg==", "Zm9v\n",
                           "Zm-_", "Zh==", "Zm9=", "data:image/png;base64,Zm9v"})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace mudra
