#include "mudra/serve/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/serve/connection.h"

namespace mudra {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int ports_tried = 21;

tcp::endpoint endpoint_named(boost::asio::io_context& context, const std::string& host) {
  error_code error;
  const auto found = tcp::resolver(context).resolve(host, "0", tcp::resolver::passive, error);
  if (host.empty() || error || found.empty())
    throw usage_error("'" + host + "' is no address of this machine", "host",
                      "Use 127.0.0.1, or 0.0.0.0 for all");
  const auto is_4 = [](const auto& each) { return each.endpoint().protocol() == tcp::v4(); };
  const auto first_4 = std::find_if(found.begin(), found.end(), is_4);
  return (first_4 == found.end() ? found.begin() : first_4)->endpoint();
}

error_code listen_at(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error)
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);  // ports of servers that just ended
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    error_code ignored;
    acceptor.close(ignored);
  }
  return error;
}

void listen_near(tcp::acceptor& acceptor, tcp::endpoint endpoint, int port) {
  if (port < 0 || port > 65535) throw usage_error("give 0 to 65535", "port");
  const int last = port == 0 ? 0 : std::min(65535, port + ports_tried - 1);
  const std::string address = endpoint.address().to_string();
  for (int tried = port; tried <= last; ++tried) {
    endpoint.port(static_cast<unsigned short>(tried));
    const error_code error = listen_at(acceptor, endpoint);
    if (!error) return;
    if (error != boost::asio::error::address_in_use)
      throw Error(
          fmt::format("cannot be listened on: {}", error.message()),
          fmt::format("{} port {}", address, tried),
          error == boost::asio::error::access_denied ? "Use a port from 1024 on" : "Use --host 127.0.0.1");
  }
  throw Error(fmt::format("the ports {} to {} are all taken", port, last), address, "Choose another --port");
}

}  // namespace

struct Server::Implementation {
  Implementation(const Service& service, ServerOptions chosen)
      : options(std::move(chosen)),
        hub{.service = service,
            .limits = options.limits,
            .pool{static_cast<size_t>(std::max(1, options.threads))}},
        acceptor(hub.context),
        timer(hub.context) {
    const tcp::endpoint endpoint = endpoint_named(hub.context, options.host);
    const bool is_loopback = endpoint.address().is_loopback();
    if (!is_loopback && options.token.empty()) options.token = new_token();
    hub.access = {.is_loopback = is_loopback, .names = {options.host}, .token = options.token};
    host_shown = options.host;
    if (!is_loopback) {
      const std::string machine = boost::asio::ip::host_name();
      hub.access.names.insert(hub.access.names.end(), {machine, machine + ".local"});
      if (endpoint.address().is_unspecified()) host_shown = machine;
    }
    if (host_shown.find(':') != std::string::npos) host_shown = "[" + host_shown + "]";
    listen_near(acceptor, endpoint, options.port);
    watcher = service.events().watch([this] { wake(); });
  }
  ~Implementation() { hub.service.events().unwatch(watcher); }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  // On any thread: has listeners told what happened. Without memory, tick() does it.
  void wake() {
    if (is_awake.exchange(true)) return;
    try {
      boost::asio::post(hub.context, [this] {
        is_awake = false;
        for_all([](Connection& each) { each.tell(); });
      });
    } catch (const std::bad_alloc&) {
      is_awake = false;
    }
  }

  // Of connections, each of which may end itself.
  template <typename Do>
  void for_all(const Do& act) {
    const std::vector<std::shared_ptr<Connection>> all(hub.connections.begin(), hub.connections.end());
    for (const auto& each : all) act(*each);
  }

  void accept() {
    is_accepting = true;
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      is_accepting = false;
      if (error == boost::asio::error::operation_aborted) return;
      const bool is_full = hub.connections.size() >= hub.limits.connections;
      if ((error || is_full) && !make_room() && is_full) return accept();
      if (error) return;  // the system gives no more sockets: tick() tries again
      const auto made = std::make_shared<Connection>(std::move(socket), hub);
      hub.connections.insert(made);
      accept();
      made->wait_for_request();
    });
  }

  // Closes the connection that has kept us waiting longest; false when there is none.
  bool make_room() {
    std::shared_ptr<Connection> longest;
    for (const auto& each : hub.connections) {
      if (each->waits_for_client() && (!longest || each->since() < longest->since())) longest = each;
    }
    if (longest) longest->close();
    return longest != nullptr;
  }

  // Everything that depends on the time of day, for all connections at once.
  void tick(const std::stop_token& stop) {
    if (hub.is_stopping && hub.connections.empty()) return;
    timer.expires_after(std::chrono::milliseconds(50));
    timer.async_wait([this, stop](error_code) { tick(stop); });
    if (stop.stop_requested() && !hub.is_stopping) {
      hub.is_stopping = true;
      error_code ignored;
      acceptor.close(ignored);
      for_all([](Connection& each) { each.end(); });
    }
    for_all([now = Clock::now()](Connection& each) { each.check_deadline(now); });
    if (acceptor.is_open() && !is_accepting) accept();
  }

  ServerOptions options;
  std::string host_shown;
  Hub hub;
  tcp::acceptor acceptor;
  boost::asio::steady_timer timer;
  bool is_accepting = false;
  std::atomic<bool> is_awake = false;  // wake() has been called, and nobody told yet
  size_t watcher = 0;
};

Server::Server(const Service& service, ServerOptions options)
    : implementation_(std::make_unique<Implementation>(service, std::move(options))) {}

Server::~Server() = default;

int Server::port() const { return implementation_->acceptor.local_endpoint().port(); }

std::string Server::url() const { return fmt::format("http://{}:{}/", implementation_->host_shown, port()); }

const std::string& Server::token() const { return implementation_->options.token; }

void Server::run(const std::stop_token& stop) {
  implementation_->tick(stop);
  for (;;) {
    try {
      implementation_->hub.context.run();
      break;
    } catch (const std::bad_alloc&) {  // ends what one connection did; its deadline closes it
    }
  }
  implementation_->hub.pool.join();
}

}  // namespace mudra
