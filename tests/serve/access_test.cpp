// Who may ask.
#include "mudra/serve/access.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/message.h"

namespace mudra {
namespace {

constexpr int granted = 200;

int status_of(const Access& access, const Request& request) {
  try {
    check_access(access, request);
  } catch (const HttpError& error) {
    return error.status();
  }
  return granted;
}

int status_of_host(const Access& access, const std::string& host) {
  return status_of(access, {.host = host});
}

TEST(Access, OnLoopbackOnlyNamesOfThisMachineAreAsked) {
  const Access access{.names = {"mudra.test"}};
  for (const char* host : {"127.0.0.1", "127.0.0.1:8765", "127.1.2.3:1", "localhost", "LocalHost:9000",
                           "[::1]", "[::1]:8765", "mudra.test:80"})
    EXPECT_EQ(status_of_host(access, host), granted) << host;
  for (const char* host :
       {"evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1",
        "[::2]:8765", "[fe80::1]", "0.0.0.0:8765", "2130706433", "::1", "[::1", "evil.example[::1]", ":8765",
        " 127.0.0.1", "127.0.0.1@evil.example"})
    EXPECT_EQ(status_of_host(access, host), 403) << host;
  EXPECT_EQ(status_of_host(access, ""), 400);
}

TEST(Access, BeyondLoopbackAddressesAreAskedAndOtherNamesAreNot) {
  const Access access{.is_loopback = false, .names = {"lab"}};
  for (const char* host : {"10.0.0.1:8765", "[2001:db8::1]:8765", "lab:8765", "localhost"})
    EXPECT_EQ(status_of_host(access, host), granted) << host;
  for (const char* host : {"evil.example", "lab.evil.example", "10.0.0.1.evil.example"})
    EXPECT_EQ(status_of_host(access, host), 403) << host;
}

TEST(Access, PagesFromElsewhereMayNotAsk) {
  const auto status = [](const std::string& origin) {
    return status_of({}, {.host = "localhost:8765", .origin = origin});
  };
  EXPECT_EQ(status("http://localhost:8765"), granted);
  EXPECT_EQ(status("https://localhost:8765"), granted);  // through a proxy that speaks TLS
  for (const char* origin :
       {"http://evil.example", "null", "", "http://localhost:8766", "http://localhost",
        "http://127.0.0.1:8765", "file://", "http://localhost:8765.evil.example", "localhost:8765"})
    EXPECT_EQ(status(origin), 403) << origin;
}

TEST(Access, NeedsTheWholeTokenWhereThereIsOne) {
  const Access access{.token = "0123456789abcdef"};
  const auto status = [&](const std::string& authorization) {
    return status_of(access, {.host = "localhost", .authorization = authorization});
  };
  EXPECT_EQ(status("Bearer 0123456789abcdef"), granted);
  EXPECT_EQ(status("bearer 0123456789abcdef"), granted);
  EXPECT_EQ(status("Basic OjAxMjM0NTY3ODlhYmNkZWY="), granted);      // :0123456789abcdef
  EXPECT_EQ(status("Basic YW5uOjAxMjM0NTY3ODlhYmNkZWY="), granted);  // ann:0123456789abcdef
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0", "Bearer 0123456789abcdef0123456789abcdef", "0123456789abcdef",
        "Basic MDEyMzQ1Njc4OWFiY2RlZg==", "Basic ?", "Basic ", "Digest 0123456789abcdef"})
    EXPECT_EQ(status(wrong), 401) << wrong;
}

TEST(Access, OfAStrangerSaysNothingOfTheToken) {
  const Access access{.token = "0123456789abcdef"};
  EXPECT_EQ(status_of(access, {.host = "evil.example", .authorization = "Bearer 0123456789abcdef"}), 403);
}

TEST(Secrets, AreTheSameOnlyIfEveryByteIs) {
  const std::string secret = new_token();
  EXPECT_TRUE(same_secret(secret, std::string(secret)));
  for (size_t i = 0; i < secret.size(); ++i) {
    std::string other = secret;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(same_secret(other, secret)) << i;
    EXPECT_FALSE(same_secret(secret.substr(0, i), secret)) << i;
  }
  EXPECT_FALSE(same_secret(secret + secret, secret));
  EXPECT_FALSE(same_secret("", secret));
  EXPECT_FALSE(same_secret(secret, ""));
}

TEST(Token, IsNewEveryTime) {
  EXPECT_NE(new_token(), new_token());
  EXPECT_EQ(new_token().size(), 32U);
}

TEST(Token, OfAFileIsItsOneWord) {
  const std::string path = (std::filesystem::temp_directory_path() / ("mudra_token_" + new_token())).string();
  const auto read = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return read_token(path);
  };
  EXPECT_EQ(read("0123456789abcdef\r\n"), "0123456789abcdef");
  for (const std::string text : {"", "\n", "short", "two words of a file", "0123456789abcde\xc3\xa9"})
    EXPECT_NE(message_of([&] { read(text); }).find("holds no token"), std::string::npos) << text;
  EXPECT_NE(message_of([&] { read(std::string(2000, 'a')); }).find("holds no token"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_NE(message_of([&] { read_token(path); }).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace mudra
