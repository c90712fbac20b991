// The `iscsi` connector against a real target: which device a VM would get is known before it gets it.
#include <gmock/gmock.h>

#include "core/base/error.hpp"
#include "core/connectors/connector.hpp"
#include "tests/support/tgt_target.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;
using testing::Not;

constexpr const char* kVolume = "1f0c8c2e-7f52-4d6f-9a57-2b2b7a4e1c11";
constexpr const char* kInitiator = "iqn.2026-01.org.example:node1";

class IscsiConnector : public testing::Test {
 protected:
  void SetUp() override { VBS_NEEDS_TGT(); }
  static Connection connection(const TgtTarget& target) {
    Connection c{Mode::rw, "iscsi", "raw", target.data(), ""};
    c.initiator = kInitiator;
    c.secret = target.secret;
    return c;
  }
  static Source connect(const Connection& c, const std::string& serial = kVolume) {
    return make_iscsi_connector()->connect({}, c, serial);
  }
  static std::string refusal(const Connection& c, Code code, const std::string& serial = kVolume) {
    try {
      connect(c, serial);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), Not(HasSubstr(c.secret)));
      return e.what();
    }
    return "nothing was refused";
  }
};

TEST_F(IscsiConnector, GivesANetworkSourceAfterTheSerialWasRead) {
  const TgtTarget target(kVolume, kInitiator);
  const auto source = connect(connection(target));
  EXPECT_EQ(source.kind, "iscsi");
  EXPECT_EQ(source.format, "raw");
  EXPECT_EQ(source.secret, target.secret);
  EXPECT_EQ(source.data, R"({"iqn":")" + target.iqn + R"(","portals":[")" + target.portal +
                             R"("],"lun":1,"user":"vbs-tester","initiator":"iqn.2026-01.org.example:node1"})");
}

TEST_F(IscsiConnector, RefusesADeviceThatIsAnotherVolume) {
  const TgtTarget target("99999999-7f52-4d6f-9a57-2b2b7a4e1c11", kInitiator);
  const auto text = refusal(connection(target), Code::internal);
  EXPECT_THAT(text, HasSubstr("is volume '99999999-7f52-4d6f-9a57-2b2b7a4e1c11', not " + std::string(kVolume)));
}

TEST_F(IscsiConnector, GoesToTheNextPortalWhereOneIsDown) {
  const TgtTarget target(kVolume, kInitiator);
  auto c = connection(target);
  c.data = R"({"iqn":")" + target.iqn + R"(","portals":["127.0.0.1:1",")" + target.portal +
           R"("],"lun":1,"user":"vbs-tester"})";
  EXPECT_THAT(connect(c).data, HasSubstr(R"("portals":[")" + target.portal + R"(","127.0.0.1:1"])"));
}

TEST_F(IscsiConnector, SaysWhatTheTargetSaid) {
  const TgtTarget target(kVolume, kInitiator);
  auto c = connection(target);
  c.secret = "WrongWrongWrong1";
  EXPECT_THAT(refusal(c, Code::unavailable), HasSubstr("uthentication"));
  c = connection(target);
  c.initiator = "iqn.2026-01.org.example:stranger";
  EXPECT_THAT(refusal(c, Code::unavailable), HasSubstr("does it know the initiator iqn.2026-01.org.example:stranger?"));
  c.initiator.clear();
  EXPECT_THAT(refusal(c, Code::invalid), HasSubstr("hosts[].initiator"));
}

TEST_F(IscsiConnector, RefusesConnectionsThatCannotBe) {
  Connection c{Mode::rw, "iscsi", "raw", R"({"iqn":"iqn.x:y","portals":[],"lun":1,"user":"u"})", ""};
  c.initiator = kInitiator;
  c.secret = "Sixteen16letters";
  EXPECT_THAT(refusal(c, Code::invalid), HasSubstr("'portals' must name 1 to 16"));
  c.data = R"({"iqn":"iqn.x:y","portals":["127.0.0.1:1"],"lun":99999,"user":"u"})";
  EXPECT_THAT(refusal(c, Code::invalid), HasSubstr("lun"));
}
}  // namespace
}  // namespace vbs::test
