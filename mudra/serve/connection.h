// One connection of a server: requests in, responses out, one after the other. Internal to serve/.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <set>

#include "mudra/serve/access.h"
#include "mudra/serve/route.h"
#include "mudra/serve/server.h"

namespace mudra {

class Connection;
using Clock = std::chrono::steady_clock;

// What all connections share. Only the thread that runs `context` uses it and them; `pool` only answers.
struct Hub {
  const Service& service;
  const ServerLimits limits;
  Access access{};
  boost::asio::io_context context{1};
  boost::asio::thread_pool pool;
  std::set<std::shared_ptr<Connection>> connections{};
  size_t body_bytes = 0;  // of bodies in memory
  size_t listeners = 0;   // connections that listen to events
  bool is_stopping = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Hub& hub);
  ~Connection();

  void wait_for_request();
  // Ends what takes too long: a request that has begun gets a response that says so.
  void check_deadline(Clock::time_point now);
  // After the response that is on its way, if there is one.
  void end();
  void close();

  // To a listener, the events that it was not told of: now, or when it has taken those before.
  void tell();

  bool waits_for_client() const { return state_ != State::answering && state_ != State::listening; }
  Clock::time_point since() const { return since_; }  // when it began to do what it does

 private:
  enum class State { waiting, receiving, answering, sending, draining, listening };
  using ErrorCode = boost::system::error_code;

  void enter(State state, std::chrono::milliseconds at_most);
  void read_head();
  void on_head();
  void read_body();
  void count_body();
  void answer();
  void send(Response response);
  void on_sent();
  void listen();
  void tell(std::string text);
  void refuse(const HttpError& error);  // and close
  void fail(ErrorCode error);
  void drain();

  boost::asio::ip::tcp::socket socket_;
  Hub& hub_;
  State state_ = State::waiting;
  Clock::time_point since_, deadline_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> message_;
  Request request_;
  const Route* route_ = nullptr;  // of request_
  size_t counted_ = 0;            // bytes of this body in hub_.body_bytes
  bool is_head_ = false, is_kept_ = false, is_late_ = false;
  bool is_listener_ = false;  // counted in hub_.listeners
  uint64_t seen_ = 0;         // events it was told
  std::string told_{};        // what is on its way to a listener; empty: nothing
};

}  // namespace mudra
