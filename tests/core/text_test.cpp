// Text for readers: UTF-8, shortened names, numbers, suggestions.
#include "mudra/core/text.h"

#include <gtest/gtest.h>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/utf8.h"

namespace mudra {
namespace {

// The examples of RFC 3629, section 7.
TEST(Utf8, ReadsAndWritesTheExamplesOfTheRfc) {
  const std::pair<std::string, std::u32string> examples[] = {
      {"\x41\xE2\x89\xA2\xCE\x91\x2E", U"A\u2262\u0391."},
      {"\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4", U"\uD55C\uAD6D\uC5B4"},
      {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", U"\u65E5\u672C\u8A9E"},
      {"\xEF\xBB\xBF\xF0\xA3\x8E\xB4", U"\uFEFF\U000233B4"}};
  for (const auto& [bytes, points] : examples) {
    EXPECT_EQ(code_points(bytes), points);
    EXPECT_EQ(as_utf8(bytes), bytes);
    std::string written;
    for (const char32_t point : points) append_utf8(point, written);
    EXPECT_EQ(written, bytes);
  }
}

TEST(Utf8, WritesTheLastOfEachLength) {
  const std::pair<uint32_t, std::string> last[] = {
      {0x7F, "\x7F"}, {0x7FF, "\xDF\xBF"}, {0xFFFF, "\xEF\xBF\xBF"}, {0x10FFFF, "\xF4\x8F\xBF\xBF"}};
  for (const auto& [point, bytes] : last) {
    std::string written;
    append_utf8(point, written);
    EXPECT_EQ(written, bytes);
    EXPECT_EQ(code_points(bytes), std::u32string(1, static_cast<char32_t>(point)));
  }
}

// Too long a form, half a pair, beyond Unicode, cut off, a lone continuation: each byte is then a Latin-1
// character.
TEST(Utf8, ReadsWhatIsNotValidAsLatin1) {
  for (const std::string bytes : {"\xC0\x80", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x89",
                                  "\x80", "\xFF", "\xF8\x88\x80\x80\x80"}) {
    std::u32string latin1;
    for (const char byte : bytes) latin1 += static_cast<char32_t>(static_cast<unsigned char>(byte));
    EXPECT_EQ(code_points(as_utf8(bytes)), latin1);
  }
  EXPECT_EQ(as_utf8("caf\xE9"), "caf\xC3\xA9");
}

TEST(Text, CleanSpellsOutWhatBreaksOrTurnsTheLine) {
  EXPECT_EQ(clean("a\tb\nc\rd\x7F\x1B[31m"), R"(a\tb\nc\rd\x7f\x1b[31m)");
  EXPECT_EQ(clean("\u2028\u2029\u202E\u2066\u0085\u200F\u061C"),
            R"(\u2028\u2029\u202e\u2066\x85\u200f\u061c)");
  EXPECT_EQ(clean("\x9B"
                  "31m"),
            R"(\x9b31m)")
      << "no UTF-8: read as Latin-1, a control character";
  EXPECT_EQ(clean(clean("a\nb")), clean("a\nb"));
  EXPECT_EQ(clean("\u00E9\u4E09"), "\u00E9\u4E09");
}

TEST(Text, ShortenCountsCharactersNotBytes) {
  EXPECT_EQ(shorten("\u4E00\u4E8C\u4E09", 3), "\u4E00\u4E8C\u4E09");
  EXPECT_EQ(shorten("\u4E00\u4E8C\u4E09\u56DB", 3), "\u4E00\u4E8C…");
  EXPECT_EQ(shorten("", 3), "");
}

TEST(Text, DisplayNameAndLists) {
  EXPECT_EQ(display_name("", 5), "(no name)");
  EXPECT_EQ(display_name("abcdef", 5), "abcd…");
  EXPECT_EQ(listed(std::vector<std::string>{}), "");
  EXPECT_EQ(listed(std::vector<std::string>{"0"}), "0");
  EXPECT_EQ(listed(std::vector<std::string>{"0", "5"}), "0 and 5");
  EXPECT_EQ(listed(std::vector<std::string>{"0", "", "7"}, "or"), "0, (no name) or 7");
}

TEST(Text, ThousandsHaveCommas) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(-123456), "-123,456");
  EXPECT_EQ(thousands(1234567890), "1,234,567,890");
}

TEST(Text, SmallNumbersAreWords) {
  EXPECT_EQ(number_word(0), "no");
  EXPECT_EQ(number_word(12), "twelve");
  EXPECT_EQ(number_word(13), "13");
  EXPECT_EQ(number_word(1000), "1,000");
  EXPECT_EQ(number_word(-1), "-1");
}

TEST(Text, PercentNeverSaysAllOrNothingForLess) {
  EXPECT_EQ(percent(0), "0.0%");
  EXPECT_EQ(percent(1), "100.0%");
  EXPECT_EQ(percent(0.975), "97.5%");
  EXPECT_EQ(percent(0.9999), ">99.9%");
  EXPECT_EQ(percent(0.0001), "<0.1%");
}

TEST(DidYouMean, SuggestsOneWordThatIsClose) {
  const std::vector<std::string> names = {"sigmoid", "tanh", "relu", "--epochs"};
  EXPECT_EQ(did_you_mean("sigmoit", names), "Did you mean 'sigmoid'?");  // another letter
  EXPECT_EQ(did_you_mean("rleu", names), "Did you mean 'relu'?");        // two exchanged
  EXPECT_EQ(did_you_mean("thanh", names), "Did you mean 'tanh'?");       // one too many
  EXPECT_EQ(did_you_mean("rel", names), "Did you mean 'relu'?");         // one missing
  EXPECT_EQ(did_you_mean("--epoch", names), "Did you mean '--epochs'?");
}

TEST(DidYouMean, KnowsInitialsAndBeginnings) {
  const std::vector<std::string> names = {"--label-smoothing", "--learning-rate", "--batch-size",
                                          "--optimizer"};
  EXPECT_EQ(did_you_mean("--lr", names), "Did you mean '--learning-rate'?");
  EXPECT_EQ(did_you_mean("--bs", names), "Did you mean '--batch-size'?");
  EXPECT_EQ(did_you_mean("-lr", names), "Did you mean '--learning-rate'?");
  EXPECT_EQ(did_you_mean("--optim", names), "Did you mean '--optimizer'?");
  EXPECT_EQ(did_you_mean("learn", {"learning-rate"}), "Did you mean 'learning-rate'?");
}

TEST(Error, IsOneLineWhateverItNames) {
  const Error error("has class 'a\x1B[2Jb\n'", "x\n.npz", "Rename\tit");
  EXPECT_STREQ(error.what(), R"(x\n.npz: has class 'a\x1b[2Jb\n'. Rename\tit.)");
}

TEST(DidYouMean, ListsAllWhenNoneIsClose) {
  EXPECT_EQ(did_you_mean("softplus", {"tanh", "relu"}), "There is: tanh, relu");
  EXPECT_EQ(did_you_mean("--q", {"--epochs", "--xy"}), "There is: --epochs, --xy");
}

TEST(ParseNumber, TakesWholeNumbersOfTextOnly) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<double>("1e-3"), 1e-3);
  for (const char* text : {"", "12x", " 12", "+12", "1,5", "99999999999"}) {
    EXPECT_EQ(parse_number<int>(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mudra
