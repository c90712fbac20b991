#include "core/service/rebuild.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/service/sidecar_facts.hpp"
#include "core/store/backup.hpp"
#include "core/store/database.hpp"
#include "core/store/rows.hpp"

namespace vbs {
namespace {
constexpr std::chrono::minutes kListLimit{30};

Call call_named(const char* id) {
  Call c;
  c.id = id;
  c.deadline = std::chrono::steady_clock::now() + kListLimit;
  return c;
}

struct OpenBackend {
  store::BackendRow row;
  std::unique_ptr<StorageBackend> plugin;
  StorageListing listing;
};

struct FoundDisk {
  Vm vm;
  Disk disk;
};

struct OpenHost {
  HostConfig config;
  std::vector<FoundDisk> disks;  // those with a serial
};

template <class F>
auto asked(const std::string& whom, F f) {
  try {
    return f();
  } catch (const Error& e) {
    throw Error(e.code(),
                fmt::format("{}: {}; the store is rebuilt only when everything that is configured answers: mend that, "
                            "or, if it is gone for good, take it out of the configuration",
                            whom, e.what()),
                e.field());
  }
}

std::string id_of(const StorageBackend& plugin) {
  const auto facts = parse_json(plugin.instance().facts);
  const auto id = facts.FindMember("backend_id");
  if (id == facts.MemberEnd() || !id->value.IsString() || !is_uuid(id->value.GetString()))
    throw Error(Code::not_supported, "its plugin does not say which id the back-end has (facts: backend_id)");
  return id->value.GetString();
}

std::vector<OpenBackend> open_backends(const Config& config, PluginSource& plugins) {
  std::vector<OpenBackend> out;
  for (const auto& c : config.backends)
    asked("back-end " + c.name, [&] {
      OpenBackend b;
      b.plugin = plugins.open_storage_at(c.place(), c.plugin, "", c.config);
      b.row = {id_of(*b.plugin), c.name, c.plugin};
      for (const auto& other : out)
        if (other.row.id == b.row.id)
          throw Error(Code::conflict,
                      fmt::format("it has the same id in its marker as back-end {}: one is a copy of the "
                                  "other's root",
                                  other.row.name));
      b.listing = b.plugin->list(call_named("list"));
      out.push_back(std::move(b));
    });
  return out;
}

std::vector<OpenHost> look_at_hosts(const Config& config, PluginSource& plugins) {
  std::vector<OpenHost> out;
  for (const auto& c : config.hosts)
    asked("host " + c.name, [&] {
      OpenHost h{c, {}};
      if (!c.hypervisor.empty()) {
        const auto hypervisor = plugins.open_hypervisor_at(c.place(), c.hypervisor, c.config);
        for (const auto& vm : hypervisor->list_vms(call_named("list_vms")))
          for (const auto& disk : hypervisor->inspect(call_named("inspect"), vm.uuid))
            if (!disk.serial.empty()) h.disks.push_back({vm, disk});
      }
      out.push_back(std::move(h));
    });
  return out;
}

// Puts rows into an empty store, in one transaction.
class Builder {
 public:
  Builder(store::Tx& tx, RebuildReport& report) : tx_(tx), report_(report) {}

  void put(const OpenBackend& b) {
    store::insert_backend(tx_, b.row);
    struct Found {
      SidecarFacts facts;
      const ObjectState* state;
    };
    std::vector<Found> found;
    for (const auto& o : b.listing.objects) found.push_back({parse_sidecar_facts(o), &o});
    // `seq`, the order of lists, is that of creation.
    std::stable_sort(found.begin(), found.end(),
                     [](const Found& x, const Found& y) { return x.facts.created_at < y.facts.created_at; });
    StorageChange change{{}, b.listing.layers};
    for (auto& f : found) {
      if (!ids_.emplace(f.state->id, b.row.id).second)
        throw Error(Code::conflict,
                    fmt::format("{} is on two back-ends, the second is {}: one holds a copy; take it out "
                                "of the configuration",
                                f.state->id, b.row.name));
      know(f.facts, f.state->id);
      f.state->kind == ObjectKind::volume ? put_volume(b, f.facts, *f.state) : put_snapshot(b, f.facts, *f.state);
      change.objects.push_back(*f.state);
    }
    store::apply(tx_, b.row.id, change);
  }

  void put(OpenHost& h, const std::vector<OpenBackend>& backends) {
    const auto row = store::ensure_host(
        tx_, {"", h.config.name, store::json_list(h.config.aliases), h.config.hypervisor, h.config.initiator});
    for (const auto& f : h.disks) {
      const auto volume = store::find_volume(tx_.db, f.disk.serial);
      if (!volume) continue;
      const auto backend =
          std::find_if(backends.begin(), backends.end(), [&](const auto& b) { return b.row.id == volume->backend_id; });
      attach(row, *backend, *volume, f);
    }
  }

 private:
  // Makes the owner known. Where the same person was known under two ids (two rebuilds, say), the first one stays.
  void know(SidecarFacts& f, const std::string& id) {
    if (f.user.id.empty()) {
      report_.notes.push_back(
          fmt::format("{} has no owner in its sidecar (it was made by an older VBS): only operators reach it", id));
      return;
    }
    if (const auto same = store::find_user(tx_.db, f.user.source, f.user.issuer, f.user.subject)) {
      f.user_id = same->id;
      f.project_id = same->project_id;
    } else {
      store::insert_user(tx_, f.user);
      ++report_.users;
    }
  }

  static void fill(store::ObjectRow& row, const OpenBackend& b, const SidecarFacts& f, const ObjectState& s) {
    row.id = s.id;
    row.project_id = f.project_id;
    row.user_id = f.user_id;
    row.backend_id = b.row.id;
    row.name = f.name;
    row.comment = f.comment;
    row.metadata = f.metadata;
    row.size_bytes = static_cast<long long>(s.size_bytes);
    row.lifecycle = "available";
    row.created_at = row.updated_at = f.created_at;
  }

  void put_volume(const OpenBackend& b, const SidecarFacts& f, const ObjectState& s) {
    store::VolumeRow row;
    fill(row, b, f, s);
    row.snapshot_id = f.snapshot_id;
    row.source_volume_id = f.source_volume_id;
    store::insert_volume(tx_, row);
    ++report_.volumes;
  }

  void put_snapshot(const OpenBackend& b, const SidecarFacts& f, const ObjectState& s) {
    store::SnapshotRow row;
    fill(row, b, f, s);
    row.volume_id = f.volume_id;
    store::insert_snapshot(tx_, row);
    ++report_.snapshots;
  }

  void attach(const store::HostRow& host, const OpenBackend& backend, const store::VolumeRow& volume,
              const FoundDisk& f) {
    const auto others = store::attachments_of(tx_.db, volume.id);
    for (const auto& other : others) {
      if (other.host_id == host.id && other.vm_uuid == f.vm.uuid) return;  // live and persistent definition
      if (f.disk.mode == Mode::rw || other.mode == "rw")
        report_.notes.push_back(fmt::format("volume {} is in VM {} and in VM {}, one of them may write: detach one",
                                            volume.id, other.vm_name, f.vm.name));
    }
    store::AttachmentRow a;
    a.id = new_uuid();
    a.volume_id = volume.id;
    a.project_id = volume.project_id;
    a.user_id = volume.user_id;
    a.host_id = host.id;
    a.vm_uuid = f.vm.uuid;
    a.vm_name = f.vm.name;
    a.mode = to_string(f.disk.mode);
    a.state = "attached";
    a.device = f.disk.device;
    a.export_id = export_for(host, backend, volume, f.disk.mode);
    a.created_at = a.updated_at = now_us();
    store::insert_attachment(tx_, a);
    ++report_.attachments;
  }

  // Exports are idempotent by id, and have no memory of who made them: the volume is exported anew, as it was.
  std::string export_for(const store::HostRow& host, const OpenBackend& backend, const store::VolumeRow& volume,
                         Mode mode) {
    auto row = store::find_export(tx_.db, volume.id, host.id).value_or(store::ExportRow{});
    if (!row.id.empty() && (row.mode == "rw" || mode == Mode::ro)) return row.id;
    if (row.id.empty()) {
      row.id = new_uuid();
      if (!host.initiator.empty()) row.secret = new_secret();
    }
    const ExportArgs args{row.id, volume.id, volume.refs, host.name, host.initiator, row.refs, mode, row.secret};
    const auto made = asked("back-end " + backend.row.name,
                            [&] { return backend.plugin->export_object(call_named("export"), args); });
    row.volume_id = volume.id;
    row.host_id = host.id;
    row.initiator = host.initiator;
    row.mode = to_string(mode);
    row.kind = made.kind;
    row.format = made.format;
    row.data = made.data;
    row.refs = made.refs;
    row.state = "exported";
    row.created_at = now_us();
    store::put_export(tx_, row);
    return row.id;
  }

  store::Tx& tx_;
  RebuildReport& report_;
  std::map<std::string, std::string> ids_;  // object -> back-end
};
}  // namespace

RebuildReport rebuild_store(const Config& config, PluginSource& plugins) {
  const std::string wanted = config.data_dir + "/vbs.db", building = config.data_dir + "/rebuild.partial";
  const auto lock = store::lock_data_dir(config.data_dir);
  for (const auto* end : {"", "-wal"})
    if (std::filesystem::exists(wanted + end))
      throw Error(Code::conflict, fmt::format("{} is there: a rebuild makes a new store and writes over none; move it "
                                              "away first, and keep it",
                                              wanted + end));
  const auto backends = open_backends(config, plugins);
  auto hosts = look_at_hosts(config, plugins);
  RebuildReport report;
  std::filesystem::remove_all(building);  // of a rebuild that did not end
  if (::mkdir(building.c_str(), 0700) != 0) throw Error(Code::unavailable, "cannot make the directory " + building);
  {
    store::Database database(building, 1);
    database.writer().transact([&](store::Tx& tx) {
      Builder builder(tx, report);
      for (const auto& b : backends) builder.put(b);
      for (auto& h : hosts) builder.put(h, backends);
      store::record_event(tx, store::UserRow{}, "rebuild-store", "service", "", "");
    });
  }
  store::copy_store(building + "/vbs.db", wanted);  // whole and durable before it has its name
  std::filesystem::remove_all(building);
  return report;
}
}  // namespace vbs
