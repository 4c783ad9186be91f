// mudra serve: answers about pictures over HTTP.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/error.h"
#include "mudra/core/thread_team.h"
#include "mudra/serve/access.h"
#include "mudra/serve/server.h"

namespace mudra {
namespace {

struct ServeArguments {
  std::string model, data = "signs", token_file;
  ServerOptions server;
  bool json = false;
};

void print_start(const ServeArguments& a, const Service& service, const Server& server) {
  if (a.server.port != 0 && server.port() != a.server.port)
    say(stderr, "port      {} is taken: {} it is\n", a.server.port, server.port());
  if (a.server.token.empty() && !server.token().empty())
    say(stderr, "token     {}   (`Authorization: Bearer`, or the password a browser asks for)\n",
        server.token());
  if (a.json) {
    print_json({{"url", server.url()}, {"port", server.port()}, {"model", service.model_name()}});
  } else {
    say("serving   {}\n", server.url());
  }
  std::fflush(stdout);
}

}  // namespace

void serve_command(CLI::App& app) {
  auto a = std::make_shared<ServeArguments>();
  app.add_option(
      "--model", a->model,
      "A model file, the folder of a run, or a model in the box (`mudra models`); without it, hands");
  app.add_option("--token", a->token_file,
                 "A file with the token that requests must show; without it, one is made where --host is not "
                 "this machine alone");
  app.add_flag("--json", a->json, "Print where it serves as one JSON document");
  app.option_defaults()->always_capture_default();
  app.add_option("--data", a->data,
                 "the folder of the signs that are taught here; it is made when it is not there");
  app.add_option("--port", a->server.port,
                 "where to listen; the next one that is free when it is taken; 0 for any");
  app.add_option("--host", a->server.host, "the address to listen on; 0.0.0.0 for all of this machine");
  app.footer(
      "Ctrl-C ends it, after what is being answered.\n\nExamples:\n  mudra serve\n"
      "  mudra serve --model runs/train-1 --port 8000\n  mudra serve --host 0.0.0.0 --token token.txt");
  app.callback([a] {
    if (!a->token_file.empty()) a->server.token = read_token(a->token_file);
    a->server.threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
    const Service service(model_named(a->model, a->json), MUDRA_VERSION, a->data);
    Server server(service, a->server);
    const std::stop_token stop = interrupts();  // whoever reads that it serves may end it
    print_start(*a, service, server);
    server.run(stop);
  });
}

}  // namespace mudra
