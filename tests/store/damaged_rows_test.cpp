// Rows that no vbsd wrote: the answer is an error that names row and column, before anybody acts on the value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;

struct DamagedRows : testing::Test {
  Store s;
  const std::string id = s.add_volume(s.alice);

  std::string refusal(const std::string& change) {
    s.database.writer().transact([&](store::Tx& tx) { tx.db.script(change); });
    try {
      s.database.read([&](store::Session& db) {
        store::list_volumes(db, {});
        store::list_attachments(db, {});
        store::list_operations(db, {});
        store::live_operations(db);
        store::list_users(db);
      });
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::internal);
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      return e.what();
    }
    return "read";
  }
  void add_attachment() {
    store::AttachmentRow a;
    a.id = new_uuid();
    a.volume_id = id;
    a.mode = "rw";
    a.state = "attached";
    s.database.writer().transact([&](store::Tx& tx) { store::insert_attachment(tx, a); });
  }
  void add_operation() {
    store::OperationRow o;
    o.id = new_uuid();
    o.kind = "extend-volume";
    o.state = "running";
    s.database.writer().transact([&](store::Tx& tx) { store::insert_operation(tx, o); });
  }
};

TEST_F(DamagedRows, AreNamedWithColumnValueAndWhatToDo) {
  const auto said = refusal("UPDATE volumes SET lifecycle = 'avail' || char(10) || 'able'");
  EXPECT_THAT(said, HasSubstr("volume " + id + ": lifecycle is 'avail\\x0aable', and must be pending, available"));
  EXPECT_THAT(said, HasSubstr("--rebuild"));
}

TEST_F(DamagedRows, OfVolumesAreRefused) {
  for (const auto* change :
       {"size_bytes = -1", "created_at = 9223372036854775807", "updated_at = -9223372036854775808", "name = x'61ff'",
        "metadata = '{\"a\":1}'", "metadata = '{} , \"state\": \"x\"'", "metadata = '['", "error_message = x'c0af'"}) {
    EXPECT_THAT(refusal(std::string("UPDATE volumes SET ") + change), HasSubstr("volume " + id)) << change;
    s.database.writer().transact([](store::Tx& tx) {
      tx.db.script(
          "UPDATE volumes SET size_bytes = 1048576, created_at = 1, updated_at = 1, name = 'v', metadata = '{}', "
          "error_message = ''");
    });
  }
  EXPECT_EQ(refusal("SELECT 1"), "read");
}

// The attach rule asks whether somebody writes: a mode that is neither ro nor rw must not count as a reader.
TEST_F(DamagedRows, AnAttachmentOfAnUnknownModeIsRefused) {
  add_attachment();
  EXPECT_EQ(refusal("SELECT 1"), "read");
  EXPECT_THAT(refusal("UPDATE attachments SET mode = 'RW'"), HasSubstr("mode is 'RW', and must be ro, rw"));
}

TEST_F(DamagedRows, AJournalWhoseStepIsNoNumberIsRefusedAndNotBegunAgain) {
  add_operation();
  EXPECT_EQ(refusal("SELECT 1"), "read");
  EXPECT_THAT(refusal("UPDATE operations SET step = 'export'"), HasSubstr("step"));
  EXPECT_THAT(refusal("UPDATE operations SET step = 0, attempt = 9223372036854775807"), HasSubstr("attempt"));
  EXPECT_THAT(refusal("UPDATE operations SET attempt = 1, state = 'lost'"), HasSubstr("state is 'lost'"));
}
}  // namespace
}  // namespace vbs::test
