// A server on a real port of this machine, and clients that behave badly.
#include "mudra/serve/server.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/message.h"
#include "tests/serve/running.h"

namespace mudra {
namespace {

TEST(Server, TellsAClientWhoseHeadOrBodyIsSlow) {
  Running running({.limits = {.idle = 60s, .request_head = 200ms, .request_body = 200ms}});
  Client slow_head = running.connect(), slow_body = running.connect();
  slow_head << "GET /api/hea" << std::flush;
  slow_body << post_of(1000) << "ab" << std::flush;
  EXPECT_TRUE(is_error(rest_of(slow_head), 408));
  EXPECT_TRUE(is_error(rest_of(slow_body), 408));
}

TEST(Server, ClosesAConnectionThatAsksNothing) {
  Running running({.limits = {.idle = 200ms}});
  Client idle = running.connect(), kept = running.connect();
  EXPECT_EQ(rest_of(idle), "");
  const std::string response = asked(kept, "GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(response.find("HTTP/1.1 200 OK"), response.rfind("HTTP/1.1"));
}

TEST(Server, AnswersWhileManyConnectionsAreSlowOrIdle) {
  Running running({});
  std::vector<Client> held;
  for (int i = 0; i < 256; ++i) {
    held.push_back(running.connect());
    if (i % 2 == 0) held.back() << post_of(1000) << "ab" << std::flush;
  }
  EXPECT_TRUE(is_well(running));
}

TEST(Server, ClosesTheConnectionThatKeptItWaitingLongestWhereThereAreTooMany) {
  Running running({.limits = {.connections = 8}});
  std::vector<Client> held;
  for (int i = 0; i < 8; ++i) {
    held.push_back(running.connect());
    held.back() << post_of(1000) << "ab" << std::flush;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_TRUE(is_well(running));
  EXPECT_EQ(rest_of(held.front()), "");
  held.back() << std::string(998, 'a') << std::flush;  // the others are as they were
  std::string line;
  std::getline(held.back(), line);
  EXPECT_EQ(line, "HTTP/1.1 422 Unprocessable Entity\r");
}

TEST(Server, RefusesABodyThatIsTooLargeBeforeAndWhileItComes) {
  Running running({.limits = {.body = 1000}});
  Client announced = running.connect(), chunked = running.connect(), just = running.connect();
  EXPECT_TRUE(is_error(asked(announced, post_of(1001) + std::string(1001, 'a')), 413));
  const std::string chunk = "190\r\n" + std::string(400, 'a') + "\r\n";
  EXPECT_TRUE(is_error(asked(chunked, "POST /api/predict HTTP/1.1\r\n" + head +
                                          "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                          chunk + chunk + chunk + "0\r\n\r\n"),
                       413));
  just << post_of(1000) << std::string(1000, 'a') << std::flush;
  std::string line;
  std::getline(just, line);
  EXPECT_EQ(line, "HTTP/1.1 422 Unprocessable Entity\r");
}

TEST(Server, RefusesWhatWouldTakeTooMuchMemoryTogether) {
  Running running({.limits = {.bodies = 3000}});
  std::vector<Client> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(running.connect());
    held.back() << post_of(2000) << std::string(900, 'a') << std::flush;
  }
  Client one_more = running.connect();
  std::string refused = asked(one_more, post_of(2000) + std::string(1999, 'a'));
  EXPECT_TRUE(is_error(refused, 503)) << refused;
  held.clear();  // their memory is free again
  for (int tries = 0; tries < 1000; ++tries) {
    Client again = running.connect();
    again << post_of(2000) << std::string(2000, 'a') << std::flush;
    std::getline(again, refused);
    if (refused.starts_with("HTTP/1.1 422")) break;
  }
  EXPECT_EQ(refused, "HTTP/1.1 422 Unprocessable Entity\r");
}

TEST(Server, RefusesWhatIsNoHttpAndHeadersThatAreTooLong) {
  Running running({});
  Client garbage = running.connect(), lengthy = running.connect(), twice = running.connect(),
         both = running.connect();
  EXPECT_TRUE(is_error(asked(garbage, "\x16\x03\x01\r\n\r\n"), 400));
  EXPECT_TRUE(is_error(
      asked(lengthy, "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"),
      431));
  EXPECT_TRUE(is_error(
      asked(twice, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
      400));
  EXPECT_TRUE(is_error(asked(both, "POST /api/predict HTTP/1.1\r\n" + head +
                                       "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
                       400));
}

TEST(Server, AnswersRequestsThatComeTogetherInTheirOrder) {
  Running running({});
  Client client = running.connect();
  const std::string all = asked(
      client, "GET /api/models/none HTTP/1.1\r\nHost: localhost\r\n\r\n" + post_of(3) + "abc" + get_health);
  const size_t first = all.find("HTTP/1.1 404"), second = all.find("HTTP/1.1 422"),
               third = all.find("HTTP/1.1 200");
  EXPECT_TRUE(first < second && second < third && third != std::string::npos) << all;
}

TEST(Server, AsksForATokenBeyondLoopback) {
  Running running({.host = "0.0.0.0"});
  EXPECT_EQ(running.server.token().size(), 32U);
  Client stranger = running.connect(), known = running.connect();
  const std::string refused = asked(stranger, get_health);
  EXPECT_TRUE(is_error(refused, 401));
  EXPECT_NE(refused.find("WWW-Authenticate: Bearer"), std::string::npos);
  EXPECT_EQ(refused.find(running.server.token()), std::string::npos);
  EXPECT_TRUE(asked(known, "GET /api/health HTTP/1.1\r\n" + head + "Authorization: Bearer " +
                               running.server.token() + "\r\n\r\n")
                  .starts_with("HTTP/1.1 200"));
  EXPECT_EQ(Server(served(), {.port = 0}).token(), "");
}

TEST(Server, TakesTheNextPortWhereOneIsTaken) {
  const Server first(served(), {.port = 0});
  const Server second(served(), {.port = first.port()});
  EXPECT_GT(second.port(), first.port());
  EXPECT_LE(second.port(), first.port() + 20);
}

TEST(Server, SaysWhereItCannotListen) {
  EXPECT_NE(
      message_of([] { Server(served(), {.host = "mudra.invalid"}); }).find("no address of this machine"),
      std::string::npos);
  EXPECT_NE(message_of([] { Server(served(), {.host = ""}); }).find("no address of this machine"),
            std::string::npos);
  EXPECT_NE(message_of([] { Server(served(), {.host = "192.0.2.1"}); }).find("cannot be listened on"),
            std::string::npos);
  EXPECT_NE(message_of([] { Server(served(), {.port = 65536}); }).find("give 0 to 65535"), std::string::npos);
}

TEST(Server, StopsWhoeverIsConnected) {
  Running running({});
  std::vector<Client> held;
  for (int i = 0; i < 16; ++i) {
    held.push_back(running.connect());
    if (i % 2 == 0) held.back() << post_of(1000) << "ab" << std::flush;
  }
  EXPECT_TRUE(is_well(running));
  running.stop();
  for (Client& each : held) EXPECT_EQ(rest_of(each), "");
}

}  // namespace
}  // namespace mudra
