#include "mudra/report/page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "mudra/core/atomic_file.h"
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
  const std::vector<Row> rows = dealt_rows(record, examples, 1000);
  EXPECT_EQ(std::set<Row>(rows.begin(), rows.end()).size(), 400u);
  ASSERT_EQ(rows.size(), 400u);
  std::set<std::pair<int32_t, int32_t>> all, early;
  const auto cell = [&](Row row) { return std::pair(record.test.labels[row], record.answers.labels[row]); };
  for (const Row row : rows) all.insert(cell(row));
  for (size_t i = 0; i < examples + all.size(); ++i) early.insert(cell(rows[i]));
  EXPECT_EQ(early, all);
  for (const size_t most : {size_t{11}, size_t{30}, size_t{399}}) {
    EXPECT_EQ(dealt_rows(record, examples, most),
              std::vector<Row>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(most)));
  }
}

// Six images of a, four of b: four of a right, all of b answered a.
RunRecord small_record() {
  RunRecord record = make_record({"a", "b"}, 10, {1, 1, 1});
  record.test.labels = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
  record.answers.labels = {0, 0, 0, 0, 1, 1, 0, 0, 0, 0};
  record.evaluation = evaluate(record.test.labels, record.answers.labels, record.test.classes);
  record.trained_on = 1200;
  return record;
}

TEST(Summary, says_what_was_asked_what_came_out_and_how_sure) {
  const Summary summary = summarize(small_record());
  EXPECT_EQ(summary.title, "a or b?");
  EXPECT_EQ(
      summary.asked,
      "Which sign does a picture show: a or b? A network learned it from 1,200 labelled pictures and was "
      "then asked about 10 it had not been trained on.");
  EXPECT_EQ(summary.answered,
            "It was right on 4 of 10 pictures. Always answering a would be right on 60.0%. Its most frequent "
            "mistake: b taken for a, 4 times.");
  // Wilson 1927 for 4 in 10, worked out in Python: 0.16818 to 0.68733.
  EXPECT_EQ(summary.sure[0],
            "The accuracy on more pictures like these is between 16.8% and 68.7%, with 95% confidence. Each "
            "picture counts as one independent observation.");
  EXPECT_EQ(summary.warnings,
            (std::vector<std::string>{"This is not clearly better than always answering a (60.0%)."}));
}

TEST(Summary, warns_of_one_answer_and_of_classes_without_images) {
  RunRecord record = small_record();
  record.answers.labels.assign(10, 0);
  record.test.classes = {"a", "b", "c"};
  record.evaluation = evaluate(record.test.labels, record.answers.labels, record.test.classes);
  const std::vector<std::string> warnings = summarize(record).warnings;
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_EQ(warnings[1], "Every picture got the same answer: a.");
  EXPECT_EQ(warnings[2], "No picture in this test shows c.");
}

}  // namespace
}  // namespace mudra
