// A server on a real port of this machine, for tests.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <iterator>
#include <string>
#include <thread>
#include <utility>

#include "mudra/serve/server.h"

namespace mudra {

using namespace std::chrono_literals;
using Client = boost::asio::ip::tcp::iostream;
inline constexpr auto patience = 60s;  // of a test: far more than anything takes

inline const Service& served() {
  static const Service made(find_model(MUDRA_SOURCE_DIR "/tests/fixtures/models/answer.safetensors"),
                            "1.2.3");
  return made;
}

class Running {
 public:
  explicit Running(ServerOptions options, const Service& service = served())
      : server(service, with_any_port(std::move(options))) {
    thread_ = std::jthread([this](const std::stop_token& stop) { server.run(stop); });
  }
  void stop() {
    thread_.request_stop();
    thread_.join();
  }
  Client connect() const {
    Client client;
    client.expires_after(patience);
    client.connect("127.0.0.1", std::to_string(server.port()));
    return client;
  }

  Server server;

 private:
  static ServerOptions with_any_port(ServerOptions options) {
    options.port = 0;
    return options;
  }
  std::jthread thread_;
};

// All that comes until the server closes the connection.
inline std::string rest_of(Client& client) { return {std::istreambuf_iterator<char>(client), {}}; }

inline std::string asked(Client& client, const std::string& text) {
  client << text << std::flush;
  return rest_of(client);
}

inline const std::string head = "Host: localhost\r\nConnection: close\r\n";
inline const std::string get_health = "GET /api/health HTTP/1.1\r\n" + head + "\r\n";

inline std::string post_of(size_t bytes) {
  return "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: " +
         std::to_string(bytes) + "\r\n\r\n";
}

inline bool is_error(const std::string& response, int status) {
  return response.starts_with("HTTP/1.1 " + std::to_string(status) + " ") &&
         response.find("{\"what\":\"") != std::string::npos &&
         response.find("Connection: close\r\n") != std::string::npos;
}

inline bool is_well(const Running& running) {
  Client client = running.connect();
  return asked(client, get_health).starts_with("HTTP/1.1 200 OK\r\n");
}

}  // namespace mudra
