// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Parallel : public BackendTest {};
ON_EVERY_DISK(Parallel);

TEST_P(Parallel, CreatesAndRemovesNeverLookLeftOverToAListing) {
  constexpr int kThreads = 6, kRounds = 40;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const auto id = uuid(1000 * (t + 1) + i);
        vbs_create_args a{};
        a.size = sizeof a;
        a.id = plugin::str(id);
        a.size_bytes = MiB;
        FakeCall made;
        EXPECT_EQ(b_->table().create(b_->instance(), made.raw(), &a), VBS_OK) << made.message;
        if (i % 2 == 0) continue;
        const auto layer = plugin::str(made.objects.at(0).layer), refs = plugin::str(made.objects.at(0).refs);
        const vbs_remove_args r{sizeof r, VBS_KIND_VOLUME, plugin::str(id), refs, &layer, 1};
        FakeCall gone;
        EXPECT_EQ(b_->table().remove(b_->instance(), gone.raw(), &r), VBS_OK) << gone.message;
      }
      --running;
    });
  while (running > 0) {
    const auto seen = b_->list();
    EXPECT_EQ(seen->status, VBS_OK) << seen->message;
    for (const auto& left : seen->leftovers) ADD_FAILURE() << left.name;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(b_->list()->objects.size(), static_cast<size_t>(kThreads * kRounds / 2));
}

TEST_P(Parallel, ManyVolumesFromOneSnapshot) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, MiB);
  b_->snapshot(uuid(2), uuid(1));
  const auto refs = b_->refs(uuid(2));
  std::vector<std::unique_ptr<FakeCall>> calls(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      const auto id = uuid(100 + t), source = uuid(2);
      vbs_create_args a{};
      a.size = sizeof a;
      a.id = plugin::str(id);
      a.size_bytes = 8 * MiB;
      a.source_kind = VBS_KIND_SNAPSHOT;
      a.source_id = plugin::str(source);
      a.source_refs = plugin::str(refs);
      auto c = std::make_unique<FakeCall>();
      c->status = b_->table().create(b_->instance(), c->raw(), &a);
      calls[static_cast<size_t>(t)] = std::move(c);
    });
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < 8; ++t) {
    b_->publish(*calls[static_cast<size_t>(t)]);
    EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(100 + t), 0, MiB), std::string(MiB, 'a'));
  }
}

}  // namespace
}  // namespace vbs::test
