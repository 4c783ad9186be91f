// A Service on a port. One thread moves bytes of all connections, so that those which are idle or slow cost
// no thread; a few others answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>

#include "mudra/serve/service.h"

namespace mudra {

// What a client may take of the server.
struct ServerLimits {
  size_t head = 16 << 10;             // bytes of a request's first line and headers
  size_t body = size_t{32} << 20;     // bytes of a body
  size_t bodies = size_t{256} << 20;  // bytes of all bodies that are in memory at once
  // Where there are more, the one that has kept us waiting longest is closed. Who listens to events does not
  // keep us waiting, so that only three quarters of them may: one more listener is refused, for one that was
  // closed instead would come again at once, and close another.
  size_t connections = 512;
  std::chrono::milliseconds idle{60'000};          // between two requests
  std::chrono::milliseconds request_head{10'000};  // for a head to arrive, from its first byte on
  std::chrono::milliseconds request_body{60'000};  // for a body
  std::chrono::milliseconds response{30'000};      // for a response, or an event, to be taken
  std::chrono::milliseconds comment{15'000};       // a line to listeners where nothing happens
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address of this machine, or its name
  int port = 8765;                 // 0: any that is free
  std::string token{};             // what requests must show; made where the address is not loopback
  int threads = 1;                 // that answer
  ServerLimits limits{};
};

class Server {
 public:
  // Listens from now on; when the port is taken, on one of the next 20. Throws Error.
  Server(const Service& service, ServerOptions options);
  ~Server();

  int port() const;
  std::string url() const;           // such as http://127.0.0.1:8765/
  const std::string& token() const;  // empty: none is asked for

  // Answers until a stop is requested; then what is being answered is finished.
  void run(const std::stop_token& stop);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mudra
