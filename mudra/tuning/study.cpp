#include "mudra/tuning/study.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "mudra/core/error.h"

namespace mudra {
namespace {

constexpr int application = 0x4d756472;  // "Mudr"
constexpr int format = 1;
constexpr const char* how_to_go_on = "Then give the same command again: nothing is lost";

constexpr const char* tables = R"(
  CREATE TABLE plan(name TEXT PRIMARY KEY, text TEXT NOT NULL);
  CREATE TABLE trial(search INTEGER, number INTEGER, draw TEXT NOT NULL, state TEXT NOT NULL, worker INTEGER,
                     problem TEXT NOT NULL DEFAULT '', PRIMARY KEY(search, number));
  CREATE TABLE rung(search INTEGER, trial INTEGER, rung INTEGER, epochs INTEGER NOT NULL, score REAL NOT NULL,
                    loss REAL, seconds REAL NOT NULL, place INTEGER NOT NULL, PRIMARY KEY(search, trial, rung));
  CREATE TABLE weights(search INTEGER, trial INTEGER, fold INTEGER, state BLOB NOT NULL,
                       PRIMARY KEY(search, trial, fold));
)";

}  // namespace

// A prepared statement: values in their order, then rows.
class Study::Statement {
 public:
  Statement(Study& study, const char* sql) : study_(study) {
    const int status = sqlite3_prepare_v2(study.database_.get(), sql, -1, &statement_, nullptr);
    if (status != SQLITE_OK) study.fail_with(status);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <class... Values>
  Statement& with(const Values&... values) {
    (bind(values), ...);
    return *this;
  }
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    if (status != SQLITE_DONE) study_.fail_with(status);
    return false;
  }
  int integer(int column) const { return sqlite3_column_int(statement_, column); }
  double real(int column) const {
    const bool is_null = sqlite3_column_type(statement_, column) == SQLITE_NULL;
    return is_null ? std::numeric_limits<double>::quiet_NaN() : sqlite3_column_double(statement_, column);
  }
  std::string text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
  }

 private:
  void check(int status) {
    if (status != SQLITE_OK) study_.fail_with(status);
  }
  void bind(int value) { check(sqlite3_bind_int(statement_, ++bound_, value)); }
  void bind(double value) { check(sqlite3_bind_double(statement_, ++bound_, value)); }
  void bind(std::string_view text) {
    check(sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  struct Bytes {
    const std::string& of;
  };
  void bind(const Bytes& bytes) {
    check(sqlite3_bind_blob64(statement_, ++bound_, bytes.of.data(), bytes.of.size(), SQLITE_STATIC));
  }

  Study& study_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;

 public:
  static Bytes bytes(const std::string& of) { return {of}; }
};

Study::Study(const std::filesystem::path& file, const std::map<std::string, std::string>& plan)
    : file_(file), database_(nullptr, sqlite3_close) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(
      file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (status != SQLITE_OK) fail_with(status);
  constexpr int milliseconds = 60'000;
  sqlite3_busy_timeout(opened, milliseconds);
  if (integer("SELECT count(*) FROM sqlite_master") == 0)
    run("PRAGMA auto_vacuum = FULL");  // weights that are no longer needed take no room
  in_transaction([&] { open_plan(plan); });
  enroll();
}

Study::~Study() = default;

Study::Locks::~Locks() {
  if (descriptor >= 0) ::close(descriptor);
}

void Study::run(const std::string& sql) {
  const int status = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) fail_with(status);
}

int Study::integer(const char* sql) {
  Statement statement(*this, sql);
  statement.step();
  return statement.integer(0);
}

void Study::fail_with(int status) {
  const std::string where = file_.string();
  switch (status & 0xff) {
    case SQLITE_NOMEM:
      throw std::bad_alloc();
    case SQLITE_FULL:
      throw Error("the disk is full", where, std::string("Make room. ") + how_to_go_on);
    case SQLITE_NOTADB:
      throw usage_error("is no database", where, "Name another folder with --out");
    case SQLITE_CORRUPT:
      throw Error("is damaged", where, "Name another folder with --out to search anew");
    case SQLITE_BUSY:
      throw Error("another process has kept it for a minute", where,
                  std::string("End that one. ") + how_to_go_on);
    default:
      throw Error(database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(status), where, how_to_go_on);
  }
}

void Study::in_transaction(const std::function<void()>& work) {
  run("BEGIN IMMEDIATE");
  try {
    work();
    run("COMMIT");
  } catch (...) {
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

void Study::open_plan(const std::map<std::string, std::string>& plan) {
  const int written_by = integer("PRAGMA application_id"), version = integer("PRAGMA user_version");
  if (integer("SELECT count(*) FROM sqlite_master") == 0) {
    run(tables);
    run("PRAGMA application_id = " + std::to_string(application));
    run("PRAGMA user_version = " + std::to_string(format));
    for (const auto& [name, text] : plan)
      Statement(*this, "INSERT INTO plan VALUES(?, ?)").with(name, text).step();
    return;
  }
  if (written_by != application)
    throw usage_error("is a database of something else", file_.string(), "Name another folder with --out");
  if (version != format) {
    throw Error("has format " + std::to_string(version) + ", and this version of mudra reads " +
                    std::to_string(format),
                file_.string(), "Use the version that wrote it, or name another folder with --out");
  }
  std::map<std::string, std::string> there;
  Statement rows(*this, "SELECT name, text FROM plan");
  while (rows.step()) there[rows.text(0)] = rows.text(1);
  std::string differing;
  for (const auto& [name, text] : plan) {
    if (!there.contains(name) || there.at(name) != text) differing += (differing.empty() ? "" : ", ") + name;
  }
  if (!differing.empty()) {
    throw usage_error("holds another search: it differs in " + differing, file_.string(),
                      "Give the same data and options to go on with it, or another folder with --out");
  }
}

// Takes the first place in the file of locks that no living process has. What the place's last holder had
// under way is nobody's any more.
void Study::enroll() {
  const std::string path = file_.string() + ".workers";
  workers_.descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (workers_.descriptor < 0)
    throw Error(std::strerror(errno), path, "Give yourself the right to write there");
  for (;; ++worker_) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = worker_;
    lock.l_len = 1;
    if (::fcntl(workers_.descriptor, F_OFD_SETLK, &lock) == 0) break;
    if (errno != EAGAIN && errno != EACCES) throw Error(std::strerror(errno), path);
  }
  in_transaction([&] {
    Statement(*this, "UPDATE trial SET state = 'waiting', worker = NULL WHERE worker = ?")
        .with(worker_)
        .step();
  });
}

void Study::release_dead() {
  std::vector<int> dead;
  Statement(*this,
            "UPDATE trial SET state = 'waiting' WHERE state = 'running' AND (worker IS NULL OR worker < 0)")
      .step();
  Statement rows(*this, "SELECT DISTINCT worker FROM trial WHERE state = 'running' AND worker <> ?");
  rows.with(worker_);
  while (rows.step()) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = rows.integer(0);
    lock.l_len = 1;
    if (::fcntl(workers_.descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK)
      dead.push_back(rows.integer(0));
  }
  for (const int worker : dead)
    Statement(*this, "UPDATE trial SET state = 'waiting', worker = NULL WHERE worker = ?")
        .with(worker)
        .step();
}

std::vector<Trial> Study::trials(int search) {
  std::vector<Trial> trials;
  Statement rows(*this, "SELECT number, draw, state, problem FROM trial WHERE search = ? ORDER BY number");
  rows.with(search);
  while (rows.step()) {
    Trial trial;
    trial.number = rows.integer(0);
    const auto draw = nlohmann::json::parse(rows.text(1), nullptr, false);
    const auto state = value_named<TrialState>(rows.text(2));
    if (!draw.is_object() || !state || trial.number != static_cast<int>(trials.size()) + 1)
      throw Error("is damaged: trial " + std::to_string(trial.number) + " cannot be read", file_.string());
    for (const auto& [name, value] : draw.items())
      trial.draw[name] = value.is_number() ? value.get<double>() : 0;
    trial.state = *state;
    trial.problem = rows.text(3);
    trials.push_back(std::move(trial));
  }
  Statement scores(*this,
                   "SELECT trial, epochs, score, loss, seconds, place FROM rung WHERE search = ? "
                   "ORDER BY trial, rung");
  scores.with(search);
  while (scores.step()) {
    const auto number = static_cast<size_t>(scores.integer(0));
    if (number < 1 || number > trials.size())
      throw Error("is damaged: a score is of no trial", file_.string());
    trials[number - 1].rungs.push_back(
        {scores.integer(1), scores.real(2), scores.real(3), scores.real(4), scores.integer(5)});
  }
  return trials;
}

std::optional<Work> Study::take(int search, const Decide& decide, const DrawNew& draw) {
  std::optional<Work> taken;
  in_transaction([&] {
    release_dead();
    std::vector<Trial> known = trials(search);
    const std::optional<NextStep> next = decide(known);
    if (!next) return;
    taken = Work{search, {}, next->rung, {}};
    if (next->trial > static_cast<int>(known.size())) {
      taken->trial.number = next->trial;
      taken->trial.draw = draw(known, next->trial);
      Statement(*this, "INSERT INTO trial(search, number, draw, state, worker) VALUES(?, ?, ?, 'running', ?)")
          .with(search, next->trial, nlohmann::json(taken->trial.draw).dump(), worker_)
          .step();
      return;
    }
    taken->trial = known[static_cast<size_t>(next->trial) - 1];
    Statement(*this, "UPDATE trial SET state = 'running', worker = ? WHERE search = ? AND number = ?")
        .with(worker_, search, next->trial)
        .step();
    Statement rows(*this, "SELECT state FROM weights WHERE search = ? AND trial = ? ORDER BY fold");
    rows.with(search, next->trial);
    while (rows.step()) taken->weights.push_back(rows.text(0));
  });
  return taken;
}

void Study::put(const Work& work, const RungScore& score, bool is_complete,
                const std::vector<std::string>& weights,
                const std::function<bool(std::span<const Trial>, const Trial&)>& keeps) {
  in_transaction([&] {
    Statement(*this, "INSERT INTO rung SELECT ?, ?, ?, ?, ?, ?, ?, 1 + count(*) FROM rung WHERE search = ?")
        .with(work.search, work.trial.number, static_cast<int>(work.rung), score.epochs, score.score,
              score.loss, score.seconds, work.search)
        .step();
    set_state(work.search, work.trial.number, is_complete ? TrialState::complete : TrialState::waiting, "");
    Statement(*this, "DELETE FROM weights WHERE search = ? AND trial = ?")
        .with(work.search, work.trial.number)
        .step();
    for (size_t fold = 0; fold < weights.size(); ++fold) {
      Statement(*this, "INSERT INTO weights VALUES(?, ?, ?, ?)")
          .with(work.search, work.trial.number, static_cast<int>(fold), Statement::bytes(weights[fold]))
          .step();
    }
    const std::vector<Trial> known = trials(work.search);
    for (const Trial& trial : known) {
      if (trial.state == TrialState::running || keeps(known, trial)) continue;
      Statement(*this, "DELETE FROM weights WHERE search = ? AND trial = ?")
          .with(work.search, trial.number)
          .step();
    }
  });
}

void Study::set_state(int search, int trial, TrialState state, const std::string& problem) {
  Statement(*this, "UPDATE trial SET state = ?, worker = NULL, problem = ? WHERE search = ? AND number = ?")
      .with(name_of(state), problem, search, trial)
      .step();
}

void Study::fail(const Work& work, const std::string& problem) {
  in_transaction([&] {
    set_state(work.search, work.trial.number, TrialState::failed, problem);
    Statement(*this, "DELETE FROM weights WHERE search = ? AND trial = ?")
        .with(work.search, work.trial.number)
        .step();
  });
}

void Study::give_back(const Work& work) {
  in_transaction([&] { set_state(work.search, work.trial.number, TrialState::waiting, ""); });
}

}  // namespace mudra
