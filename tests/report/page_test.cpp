#include "mudra/report/page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "mudra/core/atomic_file.h"
#include "mudra/core/text.h"
#include "mudra/report/pictures.h"
#include "mudra/report/summary.h"
#include "tests/report/record.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

size_t count_of(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

nlohmann::json record_in(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"record\">";
  const size_t at = page.find(begin) + begin.size();
  return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}

TEST(Page, embeds_hostile_names_as_data) {
  const std::vector<std::string> names = {"</script><script>alert(1)</script>", "<!--<script>",
                                          "{{record}} {{plain}}", "\"'&amp;", "👋🏽"};
  RunRecord record = make_record(names, 60, {4, 4, 1});
  record.command = record.data = record.split = names[0];
  record.options = {{"classes", names[1], true}};
  record.options_toml = names[0] + "\u2028\u2029";
  const std::string page = report_page(record);
  EXPECT_EQ(count_of(page, "<script"), 2u);
  EXPECT_EQ(count_of(page, "</script"), 2u);
  EXPECT_EQ(count_of(page, "<!--"), 0u);
  EXPECT_EQ(count_of(page.substr(page.find("id=\"record\"")), "\u2028"), 0u);
  const nlohmann::json found = record_in(page);
  EXPECT_EQ(found["classes"], nlohmann::json(names));
  EXPECT_EQ(found["options_toml"], record.options_toml);
  EXPECT_EQ(count_of(page.substr(0, page.find("<style>")), "<title>"), 1u);
}

TEST(Page, takes_names_that_are_no_utf8_and_control_characters) {
  const nlohmann::json found = record_in(
      report_page(make_record({"\xff\xfe", "a\x01\x1b[31mb", "", "right \u202Eleft\u2066"}, 9, {2, 2, 1})));
  EXPECT_EQ(found["classes"][0], "ÿþ");
  EXPECT_EQ(found["classes"][1], R"(a\x01\x1b[31mb)");
  EXPECT_EQ(found["classes"][2], "(no name)");
  EXPECT_EQ(found["classes"][3], R"(right \u202eleft\u2066)");
}

TEST(Page, has_room_for_its_pictures_only) {
  // Noise does not compress: only a part of the pictures fits.
  const RunRecord record = make_record(numbered_classes(10), 500, {96, 96, 3});
  const std::string page = report_page(record);
  EXPECT_LT(page.size(), 2'000'000u);
  const nlohmann::json pictures = record_in(page)["pictures"];
  EXPECT_LE(pictures.dump().size(), most_picture_bytes + 2);
  EXPECT_GT(pictures.dump().size(), most_picture_bytes / 2);
  EXPECT_LT(pictures.size(), 500u);
}

TEST(Page, of_a_thousand_classes_is_small) {
  const std::string page = report_page(make_record(numbered_classes(1000), 5000, {28, 28, 1}));
  EXPECT_LT(page.size(), 2'000'000u);
  const nlohmann::json confusions = record_in(page)["confusions"];
  EXPECT_FALSE(confusions["matrix"].get<bool>());
  EXPECT_GT(confusions["cells"].size(), 100u);
  for (size_t i = 1; i < confusions["cells"].size(); ++i)
    EXPECT_GE(confusions["cells"][i - 1][2], confusions["cells"][i][2]);
}

TEST(Page, is_written_without_gnuplot) {
  const fs::path folder = fs::path(testing::TempDir()) / "mudra_page_without_gnuplot";
  fs::create_directories(folder);
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  const std::vector<std::string> notes = write_report(make_record({"0", "5"}, 5, {4, 4, 1}), folder);
  setenv("PATH", path.c_str(), 1);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("gnuplot is not installed"), std::string::npos);
  EXPECT_TRUE(read_file(folder / "report.html").ends_with("</html>\n"));
  fs::remove_all(folder);
}

TEST(Page, says_null_for_what_was_not_measured) {
  RunRecord record = make_record({"0", "5"}, 1, {1, 1, 1});
  record.history = {{.number = 1, .loss_train = 0.5, .accuracy_train = std::nan("")}};
  const nlohmann::json history = record_in(report_page(record))["history"];
  EXPECT_EQ(history.dump(), "[[1,0.5,null,null,null,null,null]]");
}

TEST(DealtRows, hold_every_row_once_and_every_cell_early) {
  const RunRecord record = make_record(numbered_classes(5), 400, {1, 1, 1});
  constexpr size_t examples = 10;
  const DealtRows dealt = dealt_rows(record, examples, 1000);
  const std::vector<Row>& rows = dealt.rows;
  EXPECT_EQ(dealt.example_count, examples);
  EXPECT_EQ(std::set<Row>(rows.begin(), rows.end()).size(), 400u);
  ASSERT_EQ(rows.size(), 400u);
  std::set<std::pair<int32_t, int32_t>> all, early;
  const auto cell = [&](Row row) { return std::pair(record.test.labels[row], record.answers.labels[row]); };
  for (const Row row : rows) all.insert(cell(row));
  for (size_t i = 0; i < examples + all.size(); ++i) early.insert(cell(rows[i]));
  EXPECT_EQ(early, all);
  for (const size_t most : {size_t{11}, size_t{30}, size_t{399}}) {
    EXPECT_EQ(dealt_rows(record, examples, most).rows,
              std::vector<Row>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(most)));
  }
}

TEST(DealtRows, hold_one_example_of_each_photograph) {
  RunRecord record = make_record(numbered_classes(5), 400, {1, 1, 1});
  for (int32_t i = 0; i < 400; ++i) record.test.photographs.push_back(i / 7);
  const DealtRows dealt = dealt_rows(record, 24, 400);
  std::set<int32_t> photographs;
  for (const Row row : dealt.examples()) photographs.insert(record.test.photographs[row]);
  EXPECT_EQ(dealt.example_count, 24u);
  EXPECT_EQ(photographs.size(), 24u);
  EXPECT_EQ(std::set<Row>(dealt.rows.begin(), dealt.rows.end()).size(), 400u);
  // Two photographs are two examples, and the page says so.
  for (int32_t& photograph : record.test.photographs) photograph /= 30;
  EXPECT_EQ(dealt_rows(record, 24, 400).example_count, 2u);
  EXPECT_EQ(record_in(report_page(record))["examples"], 2);
}

// Six images of a, four of b: four of a right, all of b answered a.
RunRecord small_record() {
  RunRecord record = make_record({"a", "b"}, 10, {1, 1, 1});
  record.test.labels = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
  record.answers.labels = {0, 0, 0, 0, 1, 1, 0, 0, 0, 0};
  record.evaluation = evaluate(record.test.labels, record.answers, record.test.classes);
  record.trained_on = 1200;
  record.warnings = warnings_of(record.evaluation);
  return record;
}

TEST(Summary, says_what_was_asked_what_came_out_and_how_sure) {
  const Summary summary = summarize(small_record());
  EXPECT_EQ(summary.title, "a or b?");
  EXPECT_EQ(
      summary.asked,
      "Which sign does a picture show: a or b? A network learned it from 1,200 labelled pictures and was "
      "then asked about 10 others.");
  EXPECT_EQ(summary.answered,
            "It was right on 4 of 10 pictures. Always answering a would be right on 60.0%. The most frequent "
            "mistake: b taken for a, 4 times.");
  // Wilson 1927 for 4 in 10, worked out in Python: 0.16818 to 0.68733.
  EXPECT_EQ(summary.sure[0],
            "The accuracy on more pictures like these is between 16.8% and 68.7%, with 95% confidence. Each "
            "picture counts as one independent observation.");
  EXPECT_EQ(summary.warnings, warnings_of(small_record().evaluation));
}

TEST(Summary, says_in_plain_words_what_cross_validation_does) {
  RunRecord record = small_record();
  record.folds = {{"1", 5, 2}, {"2", 5, 2}};
  EXPECT_EQ(summarize(record).asked,
            "Which sign does a picture show: a or b? The pictures were put into two parts and two networks "
            "trained, each without one part. Each was then asked about the part it had not seen: 10 pictures "
            "altogether.");
  EXPECT_TRUE(summarize(record).answered.starts_with("They were right on 4 of 10 pictures."));
}

// Of `hands` hands, ten images each, eight or nine of them right.
RunRecord record_of_hands(int hands) {
  RunRecord record = make_record({"a", "b"}, 10 * hands, {1, 1, 1});
  for (int h = 0; h < hands; ++h) record.test.group_names.push_back("hand" + std::to_string(h));
  for (size_t i = 0; i < record.test.labels.size(); ++i) {
    record.test.groups.push_back(static_cast<int32_t>(i / 10));
    record.test.labels[i] = i % 2;
    record.answers.labels[i] = i % 10 < 8 + i / 10 % 2 ? i % 2 : 1 - i % 2;
  }
  record.evaluation =
      evaluate(record.test.labels, record.answers, record.test.classes, units_of(record.test, 1));
  return record;
}

TEST(Summary, says_what_is_known_of_these_hands_and_of_new_ones) {
  const RunRecord four = record_of_hands(4);
  const std::vector<std::string> sure = summarize(four).sure;
  EXPECT_TRUE(sure.at(0).starts_with("The accuracy on more pictures of these hands is between "));
  const Interval& interval = four.evaluation.new_group.value().interval;
  const std::string range = percent(interval.low) + " to " + percent(interval.high);
  EXPECT_EQ(new_hand_sentence(four.evaluation),
            "new hands: 85.0% on average (95% interval " + range + ", as far as four hands tell)");
  EXPECT_EQ(sure.at(1),
            "The accuracy on new hands, averaged over many of them, is between " + percent(interval.low) +
                " and " + percent(interval.high) +
                ", with 95% confidence, as far as four hands tell. A single hand may lie outside.");
  const RunRecord two = record_of_hands(2);
  EXPECT_EQ(summarize(two).sure.at(1),
            "How well it reads new hands cannot be told from two hands: that takes three at least.");
  EXPECT_EQ(new_hand_sentence(two.evaluation), "new hands: two hands are too few to say");
  EXPECT_EQ(new_hand_sentence(small_record().evaluation), "");
  EXPECT_TRUE(record_in(report_page(two))["words"]["new_hands"].is_null());
  EXPECT_NEAR(record_in(report_page(four))["words"]["new_hands"]["low"].get<double>(), interval.low, 1e-4);
}

}  // namespace
}  // namespace mudra
