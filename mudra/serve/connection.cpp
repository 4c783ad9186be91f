#include "mudra/serve/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <string_view>
#include <utility>

namespace mudra {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// Whatever a page of this server may show: its own scripts, style and pictures, those it made itself (blob:),
// and nothing from elsewhere, nor inside pages from elsewhere. The camera needs no source here: a stream has
// no address.
constexpr std::pair<std::string_view, std::string_view> headers_of_all[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' "
     "blob:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-src 'self'; frame-ancestors 'none'"},
    {"Permissions-Policy", "camera=(self)"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
};

boost::beast::string_view beast_text(std::string_view text) { return {text.data(), text.size()}; }

std::string std_text(boost::beast::string_view text) { return std::string(text); }

Request request_of(const http::request<http::string_body>& message) {
  Request request{.method = std_text(message.method_string()),
                  .target = std_text(message.target()),
                  .host = message.count(http::field::host) == 1 ? std_text(message[http::field::host]) : "",
                  .origin = std::nullopt,
                  .authorization = std_text(message[http::field::authorization]),
                  .content_type = std_text(message[http::field::content_type]),
                  .body = {}};
  if (message.count(http::field::origin) > 0) request.origin = std_text(message[http::field::origin]);
  return request;
}

bool is_of_http(const boost::system::error_code& error) {
  return error.category() == http::make_error_code(http::error::end_of_stream).category();
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, Hub& hub) : socket_(std::move(socket)), hub_(hub) {
  ErrorCode ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true),
                     ignored);  // else a response may wait for the client's receipt
}

Connection::~Connection() { hub_.body_bytes -= counted_; }

void Connection::enter(State state, std::chrono::milliseconds at_most) {
  state_ = state;
  since_ = Clock::now();
  deadline_ = since_ + at_most;
}

void Connection::wait_for_request() {
  is_late_ = false;
  if (buffer_.size() > 0) return read_head();  // it came along with the one before
  enter(State::waiting, hub_.limits.idle);
  socket_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](ErrorCode error, size_t bytes) {
    if (error) return self->close();
    self->buffer_.commit(bytes);
    self->read_head();
  });
}

void Connection::read_head() {
  enter(State::receiving, hub_.limits.request_head);
  is_head_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(hub_.limits.head));
  parser_->body_limit(hub_.limits.body);
  http::async_read_header(socket_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->fail(error);
    self->on_head();
  });
}

// All that can be refused without the body is refused before it is read.
void Connection::on_head() {
  const auto& message = parser_->get();
  request_ = request_of(message);
  is_head_ = message.method() == http::verb::head;
  is_kept_ = message.keep_alive();
  try {
    check_access(hub_.access, request_);
    route_ = &route_of(request_);
  } catch (const HttpError& error) {
    return refuse(error);
  }
  enter(State::receiving, hub_.limits.request_body);
  if (parser_->is_done() || !boost::beast::iequals(message[http::field::expect], "100-continue"))
    return read_body();
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(go_on), [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->fail(error);
    self->read_body();
  });
}

void Connection::read_body() {
  if (parser_->is_done()) return answer();
  http::async_read_some(socket_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->fail(error);
    self->count_body();
    if (self->hub_.body_bytes > self->hub_.limits.bodies)
      return self->refuse(HttpError(503, "too much is being sent at once", "server", "Ask again in a moment",
                                    {{"Retry-After", "1"}}));
    self->read_body();
  });
}

void Connection::count_body() {
  const size_t bytes = parser_ ? parser_->get().body().size() : request_.body.size();
  hub_.body_bytes += bytes - counted_;
  counted_ = bytes;
}

void Connection::answer() {
  request_.body = std::move(parser_->get().body());
  parser_.reset();
  enter(State::answering, {});
  if (route_->types.empty() && !route_->takes_time) return send(hub_.service.answer(std::move(request_)));
  asio::post(hub_.pool, [self = shared_from_this()]() mutable {
    Response response = self->hub_.service.answer(std::move(self->request_));
    asio::io_context& context = self->hub_.context;
    // With `self` goes the last use of the connection on this thread.
    asio::post(context, [self = std::move(self), response = std::move(response)]() mutable {
      self->send(std::move(response));
    });
  });
}

void Connection::send(Response response) {
  request_ = {};
  count_body();
  if (response.is_of_events && !is_head_) {
    if (hub_.listeners >= hub_.limits.connections / 4 * 3)
      return refuse(HttpError(503, "too many listen already", "server", "Close pages that you do not need"));
    is_listener_ = true;
    ++hub_.listeners;
  }
  if (hub_.is_stopping || is_listener_) is_kept_ = false;
  message_ = {};
  message_.version(11);
  message_.result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers) message_.insert(name, value);
  for (const auto& [name, value] : headers_of_all) {
    if (message_.count(beast_text(name)) == 0) message_.set(beast_text(name), beast_text(value));
  }
  message_.set(http::field::content_type, response.content_type);
  if (!response.is_of_events) message_.content_length(response.body.size());
  message_.keep_alive(is_kept_);
  if (!is_head_) message_.body() = std::move(response.body);
  enter(State::sending, hub_.limits.response);
  http::async_write(socket_, message_, [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->close();
    self->on_sent();
  });
}

void Connection::on_sent() {
  if (is_listener_ && !hub_.is_stopping) return listen();
  if (is_kept_ && !hub_.is_stopping) return wait_for_request();
  ErrorCode error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (error || hub_.is_stopping) return close();
  enter(State::draining, std::chrono::seconds(2));
  drain();
}

void Connection::listen() {
  enter(State::listening, hub_.limits.comment);
  ErrorCode ignored;  // what the system keeps for a listener that takes nothing is little, too
  socket_.set_option(asio::socket_base::send_buffer_size(64 << 10), ignored);
  // A listener has nothing more to say: whatever comes is its end.
  socket_.async_read_some(buffer_.prepare(4096),
                          [self = shared_from_this()](ErrorCode, size_t) { self->close(); });
  tell();
}

void Connection::tell() {
  if (state_ == State::listening && told_.empty()) tell(hub_.service.events().after(seen_));
}

void Connection::tell(std::string text) {
  if (text.empty()) return;
  told_ = std::move(text);
  enter(State::listening, hub_.limits.response);
  asio::async_write(socket_, asio::buffer(told_), [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->close();
    self->told_.clear();
    self->enter(State::listening, self->hub_.limits.comment);
    self->tell();
  });
}

// A socket that is closed with bytes unread resets the connection, and the client may never see the response.
void Connection::drain() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(65536), [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->close();
    self->drain();
  });
}

void Connection::refuse(const HttpError& error) {
  const bool is_whole = parser_ && parser_->is_done();
  parser_.reset();
  is_kept_ = is_kept_ && is_whole;
  send(error_response(error));
}

void Connection::fail(ErrorCode error) {
  if (state_ != State::receiving || !socket_.is_open()) return close();
  is_kept_ = false;
  if (is_late_) {
    refuse(HttpError(408, "the request did not arrive in time", "server",
                     "Send it faster, or a smaller picture"));
  } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    refuse(HttpError(431, "the headers are too long", "request",
                     "Send at most " + std::to_string(hub_.limits.head) + " bytes of them"));
  } else if (error == http::error::body_limit) {
    refuse(HttpError(413, "the body is too large", "body",
                     "Send at most " + std::to_string(hub_.limits.body) + " bytes in one request"));
  } else if (is_of_http(error) && error != http::error::end_of_stream &&
             error != http::error::partial_message) {
    refuse(HttpError(400, "is no HTTP/1.1: " + error.message(), "request",
                     "Ask with an HTTP client, such as curl"));
  } else {
    close();
  }
}

void Connection::check_deadline(Clock::time_point now) {
  tell();  // whatever became of the call that should have done it
  if (state_ == State::answering || now < deadline_) return;
  if (state_ == State::listening && told_.empty()) return tell(":\n\n");
  if (state_ != State::receiving) return close();
  is_late_ = true;
  ErrorCode ignored;
  socket_.cancel(ignored);  // what is being read fails, which fail() tells the client
}

void Connection::end() {
  if (state_ != State::answering && state_ != State::sending) close();
}

void Connection::close() {
  ErrorCode ignored;
  socket_.close(ignored);
  if (std::exchange(is_listener_, false)) --hub_.listeners;
  state_ = State::draining;  // no more is sent
  hub_.connections.erase(shared_from_this());
}

}  // namespace mudra
