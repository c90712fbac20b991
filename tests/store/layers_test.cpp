// Who takes a layer along when objects go. Layers are written top > bottom.
#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using store::Tx;
using Names = std::vector<std::string>;

struct Layers : Store {
  // A volume on `layer`, which rests on `parent`.
  std::string volume_on(const std::string& layer, const std::string& parent = {}) {
    const auto id = add_volume(alice);
    database.writer().transact([&](Tx& tx) {
      ObjectState state;
      state.id = id;
      state.refs = state.layer = layer;
      state.size_bytes = 1 << 20;
      state.format = "qcow2";
      StorageChange change{{state}, {}};
      if (!known_.count(layer)) change.layers.push_back({layer, parent, "qcow2", 0});
      known_.insert(layer);
      store::apply(tx, backend, change);
    });
    return id;
  }
  void add_layer(const std::string& name, const std::string& parent) {
    database.writer().transact([&](Tx& tx) { store::apply(tx, backend, {{}, {{name, parent, "qcow2", 0}}}); });
    known_.insert(name);
  }
  Names drop(const std::string& id) {
    database.writer().transact([&](Tx& tx) { store::drop_layers(tx, *store::find_volume(tx.db, id)); });
    return dropped(id);
  }
  Names dropped(const std::string& id) {
    return database.read([&](store::Session& db) { return store::dropped_layers(db, id); });
  }
  void gone(const std::string& id) {
    database.writer().transact([&](Tx& tx) {
      store::forget_layers(tx, id);
      store::delete_volume(tx, id);
    });
  }

 private:
  std::set<std::string> known_;
};

TEST(LayersOfAVolume, GoWithItTopFirst) {
  Layers s;
  s.add_layer("bottom", "");
  s.add_layer("middle", "bottom");
  const auto v = s.volume_on("top", "middle");
  EXPECT_EQ(s.drop(v), (Names{"top", "middle", "bottom"}));
}

TEST(LayersOfAVolume, StayWhileAnotherObjectStandsOnThem) {
  Layers s;
  const auto base = s.volume_on("base");
  const auto clone = s.volume_on("clone", "base");
  EXPECT_EQ(s.drop(base), Names{}) << "the clone rests on it";
  s.gone(base);
  EXPECT_EQ(s.drop(clone), (Names{"clone", "base"})) << "the last one takes it along";
}

TEST(LayersOfAVolume, SharedOnesStayUntilTheLastOfTheirChildrenGoes) {
  Layers s;
  s.add_layer("shared", "");
  const auto a = s.volume_on("a", "shared"), b = s.volume_on("b", "shared"), c = s.volume_on("c", "shared");
  EXPECT_EQ(s.drop(a), (Names{"a"}));
  s.gone(a);
  EXPECT_EQ(s.drop(b), (Names{"b"}));
  s.gone(b);
  EXPECT_EQ(s.drop(c), (Names{"c", "shared"}));
}

TEST(LayersOfAVolume, TwoDeletesAtTheSameTimeLeaveNoneBehindAndNameNoneTwice) {
  Layers s;
  s.add_layer("shared", "");
  const auto a = s.volume_on("a", "shared"), b = s.volume_on("b", "shared");
  const auto first = s.drop(a), second = s.drop(b);  // neither has ended
  EXPECT_EQ(first, (Names{"a"}));
  EXPECT_EQ(second, (Names{"b", "shared"}));
  s.gone(b);
  s.gone(a);
  EXPECT_EQ(s.number("SELECT count(*) FROM layers"), 0);
}

TEST(LayersOfAVolume, ARepeatedDropNamesTheSameOnes) {
  Layers s;
  s.add_layer("bottom", "");
  const auto v = s.volume_on("top", "bottom");
  const auto first = s.drop(v);
  EXPECT_EQ(s.drop(v), first);
  EXPECT_EQ(first, (Names{"top", "bottom"}));
}

TEST(LayersOfAVolume, OfEqualNamesOnTwoBackEndsAreStrangers) {
  Layers s;
  const auto v = s.volume_on("same");
  s.database.writer().transact([&](Tx& tx) {
    const auto other = store::ensure_backend(tx, {"", "other", "fake"}).id;
    store::apply(tx, other, {{}, {{"child", "same", "qcow2", 0}}});
  });
  EXPECT_EQ(s.drop(v), (Names{"same"}));
}

TEST(LayersOfAVolume, ALongChainComesInOrder) {
  Layers s;
  Names expected;
  std::string parent;
  for (int i = 0; i < 60; ++i) {
    const auto name = "layer" + std::to_string(i);
    s.add_layer(name, parent);
    expected.insert(expected.begin(), name);
    parent = name;
  }
  const auto v = s.volume_on("active", parent);
  expected.insert(expected.begin(), "active");
  EXPECT_EQ(s.drop(v), expected);
}

TEST(AStorageChange, OfAnObjectThatTheStoreDoesNotHaveIsRefused) {
  Store s;
  ObjectState state;
  state.id = new_uuid();
  EXPECT_THROW(s.database.writer().transact([&](Tx& tx) { store::apply(tx, s.backend, {{state}, {}}); }), Error);
}

TEST(AStorageChange, OnAnotherBackEndThanTheObjectsIsRefused) {
  Store s;
  ObjectState state;
  state.id = s.add_volume(s.alice);
  EXPECT_THROW(s.database.writer().transact([&](Tx& tx) {
    store::apply(tx, store::ensure_backend(tx, {"", "other", "fake"}).id, {{state}, {}});
  }),
               Error);
}
}  // namespace
}  // namespace vbs::test
