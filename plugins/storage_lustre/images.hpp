// SPDX-License-Identifier: MIT
//
// Makes image files: empty, as an overlay, by sharing extents, by copying. Each makes a new file of the given name,
// enters it in the attempt, and returns it open; what it wrote is synced (an empty file has nothing, its caller syncs
// it with its sidecar), the directory is not. Threading: any thread.
#pragma once
#include <string>

#include "attempt.hpp"
#include "config.hpp"
#include "fs.hpp"
#include "record.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lustre {

class Images {
 public:
  Images(Files& files, plugin::Host host, const Config& config, bool on_lustre)
      : files_(files), host_(host), config_(config), on_lustre_(on_lustre) {}

  // Sparse, so that it reads as zeros: a new file has no blocks, and thus nobody's old bytes.
  File empty(plugin::Call&, Attempt&, const File& dir, const std::string& name, uint64_t size, const Striping&);
  // qcow2 on `backing`, a file of the same directory, named relatively and with its format.
  File overlay(plugin::Call&, Attempt&, const File& dir, const std::string& name, const std::string& backing,
               uint64_t size, const Striping&);
  // The same bytes as `from` by FICLONE; not yet synced, so that a group can be taken at one instant. `size` >= from's.
  File clone(plugin::Call&, Attempt&, const File& dir, const std::string& name, const Record& from, uint64_t size,
             const Striping&);
  // All bytes of `from` and what it rests on, as one raw file.
  File copy(plugin::Call&, Attempt&, const File& dir, const std::string& name, const Record& from, uint64_t size,
            const Striping&);
  // Makes a qcow2 file that nobody has open larger.
  void resize_qcow2(plugin::Call&, const File& dir, const std::string& name, uint64_t size);

 private:
  File make(plugin::Call&, Attempt&, const File& dir, const std::string& name, const Striping&);
  void set_stripes(plugin::Call&, const std::string& path, const Striping&);
  void convert(plugin::Call&, const File& to, const File& from, const std::string& format, uint64_t size);
  void copy_data(plugin::Call&, const File& to, const File& from, uint64_t size);

  Files& files_;
  const plugin::Host host_;
  const Config& config_;
  const bool on_lustre_;
};

}  // namespace vbs::lustre
