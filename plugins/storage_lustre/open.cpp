// SPDX-License-Identifier: MIT
//
// Opening a back-end: marker and lock, what the file system can do, what is there already.
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "lustre_tools.hpp"
#include "storage_lustre.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::lustre {
namespace {
using plugin::Call;
using plugin::Error;

std::string mounts_text() {
  std::ifstream in("/proc/self/mounts");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Before the root is touched: on an empty mount point the marker would be written under the mount.
Config checked(Config c) {
  if (c.mount_point.empty()) return c;
  const auto mount = mount_of(mounts_text(), c.mount_point);
  if (!mount || mount->point != c.mount_point)
    throw Error(VBS_UNAVAILABLE, c.mount_point + " is not mounted: mount it, or correct mount_point");
  return c;
}
}  // namespace

LustreStorage::LustreStorage(plugin::Host host, Call& call, std::string_view backend_id, std::string_view config)
    : host_(host),
      config_(checked(read_config(config))),
      files_(make_files()),
      root_(*files_, config_.root, std::string(backend_id)),
      sidecars_(*files_, index_) {
  const File dir = root_.enter();
  const auto magic = files_->file_system(dir).magic;
  if (magic == kServerMagic)
    throw Error(VBS_INVALID,
                "the root " + config_.root + " lies on the storage of a Lustre server: give a client mount");
  on_lustre_ = magic == kClientMagic;
  if (on_lustre_) check_mount(call);
  space_ = std::make_unique<Space>(*files_, host_, config_, index_, on_lustre_);
  images_ = std::make_unique<Images>(*files_, host_, config_, on_lustre_);
  scan(dir);
  method_ = choose_method(call, dir);
}

void LustreStorage::check_mount(Call& call) {
  const auto mount = mount_of(mounts_text(), config_.root);
  const auto lock = mount ? lock_option(*mount) : LockOption::not_lustre;
  if (lock == LockOption::none)
    throw Error(VBS_INVALID,
                "the Lustre mount " + mount->point +
                    " has no file locks (noflock), so QEMU cannot open images there: mount it with -o flock");
  local_locks_ = lock == LockOption::local;
  if (local_locks_)
    call.log(VBS_LOG_WARNING,
             "the Lustre mount " + mount->point +
                 " has locks of this node only (localflock): nothing but VBS keeps two nodes from writing "
                 "one volume; mount it with -o flock");
  if (!config_.striping.pool.empty() && mount) {
    const auto r = host_.run(call, "lfs_pool_list", {{"path", mount->point}});
    const auto pools = parse_pools(r.out);
    if (std::find(pools.begin(), pools.end(), config_.striping.pool) == pools.end())
      throw Error(VBS_INVALID, "pool is \"" + config_.striping.pool + "\", which " + mount->point +
                                   " does not have: `lfs pool_list " + mount->point + "` shows those it has");
  }
}

Method LustreStorage::choose_method(Call& call, const File& dir) {
  switch (config_.method) {
    case Method::reflink:
      if (!try_reflink(dir))
        throw Error(VBS_INVALID, "snapshot_method is reflink, but the file system of " + config_.root +
                                     " cannot share extents: use auto or overlay");
      return Method::reflink;
    case Method::overlay:
      if (!have_qemu_img(call))
        throw Error(VBS_INVALID, "snapshot_method is overlay, but qemu-img is not there: install qemu-utils");
      return Method::overlay;
    case Method::copy:
      return Method::copy;
    case Method::automatic:
      break;
  }
  if (try_reflink(dir)) return Method::reflink;
  if (have_qemu_img(call)) return Method::overlay;
  call.log(VBS_LOG_WARNING, "no reflinks on " + config_.root +
                                " and no qemu-img: snapshots and clones copy all data; install qemu-utils");
  return Method::copy;
}

// By trying: what a file system's name promises depends on how it was made (mkfs.xfs -m reflink=0).
bool LustreStorage::try_reflink(const File& dir) {
  const std::string from_name = ".reflink-probe.from", to_name = ".reflink-probe.to";
  files_->remove(dir, from_name);  // of a process that died here
  files_->remove(dir, to_name);
  const File from = files_->create(dir, from_name, 0600);
  bool works = false;
  try {
    const File to = files_->create(dir, to_name, 0600);
    files_->write(from, 0, std::string(4096, 'x'));
    works = files_->clone(to, from);
  } catch (...) {
    files_->remove(dir, from_name);
    files_->remove(dir, to_name);
    throw;
  }
  files_->remove(dir, from_name);
  files_->remove(dir, to_name);
  return works;
}

bool LustreStorage::have_qemu_img(Call& call) {
  plugin::CommandResult r;
  return host_.try_run(call, "qemu_img_version", {}, r) == VBS_OK;
}

void LustreStorage::scan(const File& dir) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> sizes;  // of the highest generation
  for (const auto& name : files_->names(dir)) {
    const auto parsed = parse_name(name);
    if (!parsed) continue;
    index_.add(name);
    if (parsed->is_image()) continue;
    const auto record = sidecars_.read(dir, *parsed);
    if (!record) continue;
    index_.add_sidecar(name, *record);
    auto& known = sizes[record->id];
    known = std::max(known, {record->generation, record->size_bytes});
  }
  for (const auto& [id, size] : sizes) index_.promise(id, size.second, UINT64_MAX);
}

plugin::StorageFacts LustreStorage::facts() const {
  plugin::StorageFacts f;
  f.capabilities = VBS_CAP_THIN | VBS_CAP_EXTEND_IN_USE;
  if (method_ != Method::copy) f.capabilities |= VBS_CAP_FAST_CLONE;
  if (method_ == Method::reflink) f.capabilities |= VBS_CAP_REFLINK;
  if (on_lustre_ || config_.shared_nodes) f.capabilities |= VBS_CAP_SHARED_NODES;
  f.json = "{\"backend_id\":" + plugin::json_quoted(root_.backend_id()) +
           ",\"root\":" + plugin::json_quoted(config_.root) + ",\"lustre\":" + (on_lustre_ ? "true" : "false") +
           ",\"snapshot_method\":\"" + to_string(method_) + "\"";
  if (on_lustre_)
    f.json += ",\"locks\":\"" + std::string(local_locks_ ? "localflock" : "flock") +
              "\",\"stripe_count\":" + std::to_string(config_.striping.count) +
              ",\"stripe_size\":" + std::to_string(config_.striping.size_bytes) +
              ",\"pool\":" + plugin::json_quoted(config_.striping.pool);
  f.json += "}";
  return f;
}

plugin::Capacity LustreStorage::capacity(Call& call) {
  const File dir = root_.enter();
  const auto f = space_->figures(call, dir, config_.striping);
  return {f.total_bytes, space_->usable(f), config_.over_commit_ratio};
}

}  // namespace vbs::lustre

VBS_STORAGE_PLUGIN("storage_lustre", "0.1.0", vbs::lustre::LustreStorage)
