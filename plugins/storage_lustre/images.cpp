// SPDX-License-Identifier: MIT
#include "images.hpp"

#include <algorithm>
#include <cerrno>

#include "lustre_tools.hpp"
#include "names.hpp"
#include "qcow2.hpp"

namespace vbs::lustre {
namespace {
using plugin::Error;
constexpr size_t kCopyBlock = 4u << 20;
constexpr uint64_t kProgressStep = 64u << 20;
// What one qemu-img copies: it tells its caller nothing before its end, and starting one takes some 20 ms.
constexpr uint64_t kConvertWindow = 1u << 30;

// A value of an option list, where a comma is doubled (QEMU, man qemu-img, --image-opts).
std::string option_value(const std::string& text) {
  std::string out;
  for (const char c : text) out.append(c == ',' ? 2 : 1, c);
  return out;
}

File existing(Files& files, const File& dir, const std::string& name) {
  auto file = files.open_read(dir, name);
  if (!file)
    throw Error(VBS_NOT_FOUND, "the file " + dir.path_of(name) + " is gone, and with it the data of its volume");
  return std::move(*file);
}
}  // namespace

File Images::make(plugin::Call& call, Attempt& attempt, const File& dir, const std::string& name,
                  const Striping& striping) {
  if (!on_lustre_) {
    File file = files_.create(dir, name, config_.owner.mode);
    attempt.made(name);
    if (config_.owner.mode != 0600 || config_.owner.uid != static_cast<uid_t>(-1) ||
        config_.owner.gid != static_cast<gid_t>(-1))
      files_.own(file, config_.owner);
    return file;
  }
  // lfs makes the file itself and says 17 for one that exists only if that has a layout, so look first.
  if (files_.status(dir, name)) throw FileError("create", dir.path_of(name), EEXIST);
  attempt.made(name);  // before the command: a refused one leaves an empty file behind
  set_stripes(call, dir.path_of(name), striping);
  File file = files_.open_write(dir, name);
  files_.own(file, config_.owner);
  return file;
}

void Images::set_stripes(plugin::Call& call, const std::string& path, const Striping& s) {
  const auto count = std::to_string(s.count), size = std::to_string(s.size_bytes);
  if (s.pool.empty()) {
    host_.run(call, "lfs_setstripe", {{"count", count}, {"size", size}, {"path", path}});
  } else {
    host_.run(call, "lfs_setstripe_pool", {{"count", count}, {"size", size}, {"pool", s.pool}, {"path", path}});
  }
  // lfs corrects silently, so only reading back tells.
  const auto layout = parse_layout(host_.run(call, "lfs_getstripe", {{"path", path}}).out);
  if (!layout)
    throw Error(VBS_INTERNAL,
                "lfs getstripe shows no layout of the new file " + path + "; check the pattern lfs_setstripe");
  if (layout->stripe_size_bytes != s.size_bytes || (!s.pool.empty() && layout->pool != s.pool))
    throw Error(VBS_INVALID, "Lustre gave " + path + " stripes of " + std::to_string(layout->stripe_size_bytes) +
                                 " bytes in pool '" + layout->pool + "', wanted " + size + " in pool '" + s.pool +
                                 "': correct stripe_size and pool");
  if (s.count > 0 && layout->stripe_count < s.count)
    call.log(VBS_LOG_DEBUG, path + " has " + std::to_string(layout->stripe_count) + " stripes instead of " + count +
                                ": there are no more OSTs");
}

File Images::empty(plugin::Call& call, Attempt& attempt, const File& dir, const std::string& name, uint64_t size,
                   const Striping& striping) {
  File file = make(call, attempt, dir, name, striping);
  files_.truncate(file, size);
  return file;
}

File Images::overlay(plugin::Call& call, Attempt& attempt, const File& dir, const std::string& name,
                     const std::string& backing, uint64_t size, const Striping& striping) {
  // Made empty first, with O_EXCL: qemu-img alone would overwrite whatever is there. It keeps inode, owner and layout.
  File file = make(call, attempt, dir, name, striping);
  host_.run(call, "qemu_img_create",
            {{"backing", backing},
             {"backing_format", format_of(backing)},
             {"path", dir.path_of(name)},
             {"size", std::to_string(size)}});
  const auto header = read_qcow2_header(files_, file);
  if (!header || header->backing != backing || header->size_bytes != size)
    throw Error(VBS_INTERNAL, "qemu-img did not make " + file.path() + " as asked (on " + backing + ", " +
                                  std::to_string(size) + " bytes); check the pattern qemu_img_create");
  files_.sync(file);
  return file;
}

File Images::clone(plugin::Call& call, Attempt& attempt, const File& dir, const std::string& name, const Record& from,
                   uint64_t size, const Striping& striping) {
  const File source = existing(files_, dir, from.file);
  File file = make(call, attempt, dir, name, striping);
  if (!files_.clone(file, source))
    throw Error(VBS_NOT_SUPPORTED,
                "the file system of " + dir.path() +
                    " does not share extents any more (FICLONE refused): set snapshot_method to overlay");
  if (size > from.size_bytes) {
    if (format_of(name) == "raw") {
      files_.truncate(file, size);
    } else {
      resize_qcow2(call, dir, name, size);
    }
  }
  return file;
}

File Images::copy(plugin::Call& call, Attempt& attempt, const File& dir, const std::string& name, const Record& from,
                  uint64_t size, const Striping& striping) {
  const File source = existing(files_, dir, from.file);
  File file = empty(call, attempt, dir, name, size, striping);
  if (format_of(from.file) == "raw") {
    copy_data(call, file, source, std::min(from.size_bytes, size));
  } else {
    convert(call, file, source, format_of(from.file), std::min(from.size_bytes, size));
  }
  files_.sync(file);
  return file;
}

void Images::convert(plugin::Call& call, const File& to, const File& from, const std::string& format, uint64_t size) {
  for (uint64_t at = 0; at < size;) {
    call.check();
    const auto length = std::min(kConvertWindow, size - at);
    host_.run(call, "qemu_img_convert",
              {{"format", format},
               {"from", option_value(from.path())},
               {"to", option_value(to.path())},
               {"offset", std::to_string(at)},
               {"length", std::to_string(length)}});
    at += length;
    call.progress(at, size);
  }
}

void Images::copy_data(plugin::Call& call, const File& to, const File& from, uint64_t size) {
  uint64_t told = 0;
  for (auto data = files_.seek_data(from, 0); data && *data < size;) {
    const uint64_t end = std::min(files_.seek_hole(from, *data), size);
    for (uint64_t at = *data; at < end;) {
      call.check();
      const auto block = files_.read(from, at, std::min<uint64_t>(kCopyBlock, end - at));
      if (block.empty()) throw Error(VBS_BUSY, from.path() + " became shorter while it was copied");
      files_.write(to, at, block);
      at += block.size();
      if (at - told >= kProgressStep || at == size) {
        call.progress(at, size);
        told = at;
      }
    }
    data = end < size ? files_.seek_data(from, end) : std::nullopt;
  }
  call.progress(size, size);
}

void Images::resize_qcow2(plugin::Call& call, const File& dir, const std::string& name, uint64_t size) {
  const File file = existing(files_, dir, name);
  const auto before = read_qcow2_header(files_, file);
  if (!before || before->size_bytes < size) {
    host_.run(call, "qemu_img_resize", {{"path", dir.path_of(name)}, {"size", std::to_string(size)}});
    const auto after = read_qcow2_header(files_, file);
    if (!after || after->size_bytes != size)
      throw Error(VBS_INTERNAL, "qemu-img did not resize " + file.path() + " to " + std::to_string(size) +
                                    " bytes; check the pattern qemu_img_resize");
  }
  // Also where it had that size: whoever resized it may have been killed before this.
  files_.sync(file);
}

}  // namespace vbs::lustre
