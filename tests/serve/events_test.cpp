// What happens, told to whoever listens.
#include "mudra/serve/events.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/serve/running.h"

namespace mudra {
namespace {

class Speaking {  // a service of its own, and a server
 public:
  explicit Speaking(ServerLimits limits = {}, std::string host = "127.0.0.1")
      : service(find_model(MUDRA_SOURCE_DIR "/tests/fixtures/models/answer.safetensors"), "1.2.3"),
        running({.host = std::move(host), .limits = limits}, service) {}
  void say(const std::string& name, const std::string& json) { service.events().publish(name, json); }

  Service service;
  Running running;
};

const std::string get_events = "GET /api/events HTTP/1.1\r\nHost: localhost\r\n";

// The head of the response.
std::string head_of(Client& client) {
  std::string head_lines, line;
  while (std::getline(client, line) && line != "\r") head_lines += line + "\n";
  return head_lines;
}

Client listener(const Speaking& speaking) {
  Client client = speaking.running.connect();
  client << get_events << "\r\n" << std::flush;
  EXPECT_TRUE(head_of(client).starts_with("HTTP/1.1 200 OK\r\n"));
  return client;
}

// The next event as "name json"; empty at the end.
std::string next_event(Client& client) {
  std::string line, event;
  while (std::getline(client, line)) {
    if (line.starts_with("event: ")) event = line.substr(7);
    if (line.starts_with("data: ")) return event + " " + line.substr(6);
  }
  return {};
}

TEST(Events, KeepsTheNewestOfEachNameInOrder) {
  Events events;
  uint64_t seen = 0;
  EXPECT_EQ(events.after(seen), "");
  events.publish("train", "1");
  events.publish("signs", "2");
  EXPECT_EQ(events.after(seen), "event: train\ndata: 1\n\nevent: signs\ndata: 2\n\n");
  EXPECT_EQ(events.after(seen), "");
  events.publish("signs", "3");
  events.publish("train", "4");
  events.publish("signs", "{\n\"a\":\r\n5}");
  EXPECT_EQ(events.after(seen), "event: train\ndata: 4\n\nevent: signs\ndata: { \"a\":  5}\n\n");
  uint64_t late = 0;
  EXPECT_EQ(events.after(late), "event: train\ndata: 4\n\nevent: signs\ndata: { \"a\":  5}\n\n");
}

TEST(EventStream, BeginsWithThePresentStateAndGoesOn) {
  Speaking speaking;
  speaking.say("train", "{\"done\":0}");
  speaking.say("signs", "{\"version\":1}");
  Client client = speaking.running.connect();
  client << get_events << "\r\n" << std::flush;
  const std::string head_lines = head_of(client);
  for (const char* line :
       {"HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream\r\n", "Cache-Control: no-store\r\n",
        "X-Content-Type-Options: nosniff\r\n", "Connection: close\r\n"})
    EXPECT_NE(head_lines.find(line), std::string::npos) << head_lines;
  EXPECT_EQ(head_lines.find("Content-Length"), std::string::npos);
  EXPECT_EQ(next_event(client), "train {\"done\":0}");
  EXPECT_EQ(next_event(client), "signs {\"version\":1}");
  for (int i = 2; i < 100; ++i) {
    speaking.say("signs", fmt::format("{{\"version\":{}}}", i));
    EXPECT_EQ(next_event(client), fmt::format("signs {{\"version\":{}}}", i));
  }
}

// Several threads publish; whatever is passed over, nothing comes twice or before what was published earlier.
TEST(EventStream, KeepsTheOrderOfEachNameUnderManyThreads) {
  Speaking speaking;
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(listener(speaking));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&speaking, t] {
      for (int i = 1; i <= 2000; ++i) speaking.say(fmt::format("n{}", t), std::to_string(i));
    });
  }
  for (Client& client : clients) {
    std::vector<int> last(4);
    while (last != std::vector<int>(4, 2000)) {
      const std::string event = next_event(client);
      ASSERT_FALSE(event.empty());
      int& before = last[static_cast<size_t>(event[1] - '0')];
      const int number = std::stoi(event.substr(3));
      ASSERT_GT(number, before);
      before = number;
    }
  }
}

TEST(EventStream, OfManyListenersStopsNoRequest) {
  Speaking speaking;
  std::vector<Client> held;
  for (int i = 0; i < 256; ++i) held.push_back(listener(speaking));
  EXPECT_TRUE(is_well(speaking.running));
  speaking.say("signs", "1");
  for (Client& each : held) EXPECT_EQ(next_event(each), "signs 1");
  EXPECT_TRUE(is_well(speaking.running));
}

// What a listener that takes nothing is owed is one event, and what the system keeps on its way.
TEST(EventStream, KeepsLittleForAListenerThatTakesNothing) {
  Speaking speaking({.response = 3600s});
  Client slow = listener(speaking), quick = listener(speaking);
  const std::string filling(100'000, 'x');
  for (int i = 0; i < 500; ++i) {
    speaking.say("train", fmt::format("\"{}{}\"", filling, i));
    if (i % 10 == 9) {
      EXPECT_TRUE(is_well(speaking.running));
    }
  }
  speaking.say("signs", "\"last\"");
  while (next_event(quick) != "signs \"last\"") ASSERT_TRUE(quick);
  size_t bytes = 0;
  for (std::string event; event != "signs \"last\""; bytes += event.size()) {
    event = next_event(slow);
    ASSERT_FALSE(event.empty());
  }
  EXPECT_LT(bytes, size_t{20} << 20);  // of the 50 MB that were published
}

// Three of four connections may listen. Who takes nothing makes room in time.
TEST(EventStream, ClosesAListenerThatTakesNothingAndRefusesOneTooMany) {
  Speaking speaking({.connections = 4, .response = 300ms});
  Client slow = listener(speaking), slower = listener(speaking), slowest = listener(speaking);
  const std::string request = get_events + "\r\n";
  Client refused = speaking.running.connect();
  EXPECT_TRUE(is_error(asked(refused, request), 503));
  speaking.say("train", "\"" + std::string(16 << 20, 'x') + "\"");
  for (bool is_taken = false; !is_taken;) {
    Client again = speaking.running.connect();
    again << request << std::flush;
    std::string line;
    std::getline(again, line);
    is_taken = line == "HTTP/1.1 200 OK\r";
  }
}

TEST(EventStream, IsNotClosedForRequests) {
  Speaking speaking({.connections = 4});
  Client listening = listener(speaking);
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(is_well(speaking.running));
  std::vector<Client> held;
  for (int i = 0; i < 8; ++i) held.push_back(speaking.running.connect());
  EXPECT_TRUE(is_well(speaking.running));
  speaking.say("signs", "1");
  EXPECT_EQ(next_event(listening), "signs 1");
}

TEST(EventStream, IsKeptAliveByComments) {
  Speaking speaking({.idle = 100ms, .comment = 100ms});
  Client client = listener(speaking);
  int comments = 0;
  for (std::string line; comments < 5 && std::getline(client, line);) comments += line == ":" ? 1 : 0;
  EXPECT_EQ(comments, 5);
  speaking.say("signs", "1");
  EXPECT_EQ(next_event(client), "signs 1");
}

TEST(EventStream, EndsWithTheServerAndWithTheClient) {
  Speaking speaking({.connections = 4});
  for (int i = 0; i < 16; ++i) {  // whoever leaves makes room
    std::string line;
    while (line != "HTTP/1.1 200 OK\r") {
      Client client = speaking.running.connect();
      client << get_events << "\r\n" << std::flush;
      std::getline(client, line);
    }
  }
  Client last;
  for (std::string line; line != "HTTP/1.1 200 OK\r"; std::getline(last, line)) {
    last = speaking.running.connect();
    last << get_events << "\r\n" << std::flush;
  }
  speaking.running.stop();
  EXPECT_EQ(next_event(last), "");
  speaking.say("signs", "1");  // to nobody
}

TEST(EventStream, IsForNobodyWhoMayNotAsk) {
  Speaking here, beyond({}, "0.0.0.0");
  const auto answer = [](const Speaking& speaking, const std::string& request) {
    Client client = speaking.running.connect();
    return asked(client, request + "Connection: close\r\n\r\n");
  };
  EXPECT_TRUE(is_error(answer(here, "GET /api/events HTTP/1.1\r\nHost: evil.example\r\n"), 403));
  EXPECT_TRUE(is_error(answer(here, get_events + "Origin: http://evil.example\r\n"), 403));
  EXPECT_TRUE(is_error(answer(here, get_events + "Origin: null\r\n"), 403));
  EXPECT_TRUE(is_error(answer(here, "POST /api/events HTTP/1.1\r\nHost: localhost\r\n"), 405));
  EXPECT_TRUE(is_error(answer(beyond, get_events), 401));
  Client known = beyond.running.connect();
  known << get_events << "Authorization: Bearer " << beyond.running.server.token() << "\r\n\r\n"
        << std::flush;
  EXPECT_TRUE(head_of(known).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(EventStream, OfHeadIsItsHeadAlone) {
  Speaking speaking;
  speaking.say("signs", "1");
  Client client = speaking.running.connect();
  const std::string all = asked(client, "HEAD /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n" + get_health);
  EXPECT_NE(all.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_EQ(all.find("event:"), std::string::npos);
  EXPECT_EQ(all.find("retry:"), std::string::npos);
  EXPECT_NE(all.find("\"ok\":true"), std::string::npos);
}

}  // namespace
}  // namespace mudra
