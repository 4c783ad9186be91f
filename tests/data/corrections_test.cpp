#include "mudra/data/corrections.h"

#include <gtest/gtest.h>

#include <fstream>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "tests/reference.h"

namespace mudra {
namespace {

Dataset files() {
  Dataset data;
  data.source = "hands";
  data.classes = {"fist", "=five", "a \"b\", c"};
  data.labels = {0, 1, 2, 0, 1, 2};
  data.files = {"0/a.png", "1/b.png", "2/c.png", "0/d.png", "1/e,f.png", "2/-g.png"};
  data.pixels = Pixels({6, 1, 1, 1}, std::vector<uint8_t>(6));
  return data;
}

TEST(Corrections, ComeBackAsTheyWereWritten) {
  const ScratchFolder scratch;
  const auto path = scratch.path() / "corrections.csv";
  Dataset data = files();
  const std::vector<Correction> corrections{{4, 2, 0.9}, {0, 1, 0.5}, {5, 0, 1}};
  write_corrections(data, corrections, path);
  apply_corrections(path.string(), data);
  EXPECT_EQ(data.labels, (std::vector<int32_t>{1, 1, 2, 0, 2, 0}));
  ASSERT_EQ(data.notes.size(), 1U);
  EXPECT_EQ(data.notes[0], "3 labels changed by " + path.string());
}

TEST(Corrections, NameRowsOfTheSource) {
  const ScratchFolder scratch;
  const auto path = scratch.path() / "corrections.csv";
  const std::vector<Row> some{1, 4};
  Dataset data = files().select(some);
  write_corrections(data, std::vector<Correction>{{0, 0, 0.5}}, path);
  EXPECT_EQ(read_file(path), "row,file,label,suggestion,confidence\n1,1/b.png,'=five,fist,0.5000\n");
  apply_corrections(path.string(), data);
  EXPECT_EQ(data.labels, (std::vector<int32_t>{0, 1}));
}

TEST(Corrections, ThatDoNotFitAreRefusedAndChangeNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"row,label\n0,fist\n", "no column `suggestion`"},
      {"row,label,suggestion\n0,fist,=five\n6,fist,=five\n", "line 3: '6' is no row of the 6 images"},
      {"row,label,suggestion\n-1,fist,=five\n", "line 2: '-1' is no row"},
      {"row,label,suggestion\n0.5,fist,=five\n", "line 2: '0.5' is no row"},
      {"row,label,suggestion\n,fist,=five\n", "line 2: '' is no row"},
      {"row,label,suggestion\n1,fist,=five\n", "line 2: image 1 is labelled '=five', not 'fist'"},
      {"row,label,suggestion\n0,fist,palm\n", "line 2: there is no class 'palm'"},
      {"row,label,suggestion\n0,fist,=five\n0,fist,=five\n", "line 3: image 0 stands in an earlier line"},
      {"row,label,suggestion\n0,fist\n", "line 2: has too few fields"},
      {"row,file,label,suggestion\n0,0/d.png,fist,=five\n", "line 2: image 0 is '0/a.png', not '0/d.png'"},
  };
  const ScratchFolder scratch;
  const std::string path = (scratch.path() / "c.csv").string();
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    write_file_atomically(path, text);
    Dataset data = files();
    try {
      apply_corrections(path, data);
      ADD_FAILURE() << "is accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
    EXPECT_EQ(data.labels, files().labels);
  }
  write_file_atomically(path, "suggestion,row,label\nfist,1,=five\n");  // columns in any order
  Dataset data = files();
  apply_corrections(path, data);
  EXPECT_EQ(data.labels[1], 0);
}

}  // namespace
}  // namespace mudra
