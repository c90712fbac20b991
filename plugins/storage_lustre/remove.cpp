// SPDX-License-Identifier: MIT
//
// remove and discard. The core counts who uses a layer, so remove() takes exactly the layers that it is given, and
// beside them only what was never published.
#include <algorithm>

#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

void LustreStorage::remove(Call&, const plugin::RemoveArgs& a) {
  check_id(a.id, "id");
  for (const auto& layer : a.layers)
    if (const auto name = parse_name(layer); !name || !name->is_image())
      throw Error(VBS_INVALID, "'" + layer + "' is not the name of a layer of this back-end");
  const File dir = root_.enter();
  const Working working(index_, a.id);
  const bool was_published = !a.refs.empty();
  const Record record = was_published ? parse_refs(a.kind, a.id, a.refs) : Record{};

  const auto mine = index_.owned_by(a.id);
  // Sidecars first: from then on list() shows no object, whatever is left of its data.
  for (const auto& name : mine)
    if (!name.is_image()) erase(dir, name.text());
  for (const auto& layer : a.layers) erase(dir, layer);
  for (const auto& name : mine)
    if (name.is_image() && !record.uses(name.text()) && !index_.is_used(name.text())) erase(dir, name.text());
  if (!was_published) {
    // A clone or snapshot that never came to be may have prepared a new file for its volume: that was not published
    // either. Nor was a sidecar of that volume without a content, which a power cut left.
    for (const auto& name : index_.overlays_made_for(a.id)) {
      for (const auto& sidecar : index_.sidecars_of_file(name)) erase(dir, sidecar);
      for (const auto& of_volume : index_.owned_by(parse_name(name)->owner))
        if (!of_volume.is_image() && !sidecars_.read(dir, of_volume)) erase(dir, of_volume.text());
      erase(dir, name);
    }
  }
  sync_names(dir);
  index_.promise(a.id, 0, UINT64_MAX);
}

void LustreStorage::discard(Call&, const std::string& leftover) {
  const auto name = parse_name(leftover);
  if (!name) throw Error(VBS_INVALID, "'" + leftover + "' is not a name that list() gives");
  const File dir = root_.enter();
  if (index_.is_worked_on(name->owner) || index_.is_worked_on(name->by))
    throw Error(VBS_BUSY, leftover + " belongs to a call that runs now: list again when it has ended");
  const auto now = look(dir);
  bool used = !name->is_image() && now.good_sidecars.count(leftover) != 0;
  // What only superseded sidecars name, list() does not offer: the one above them may not be committed. The core, which
  // knows, asks for it after a revert.
  std::vector<std::string> superseded;
  if (name->is_image() && now.used_images.count(leftover) != 0) {
    for (const auto& sidecar : index_.sidecars_of_file(leftover)) {
      const auto older = [s = *parse_name(sidecar)](const auto& newest) {
        return newest.first.owner == s.owner && s.generation < newest.first.generation;
      };
      if (std::any_of(now.newest.begin(), now.newest.end(), older)) {
        superseded.push_back(sidecar);
      } else {
        used = true;
      }
    }
  }
  if (used) throw Error(VBS_CONFLICT, leftover + " carries data of an object and is not left over");
  for (const auto& sidecar : superseded) erase(dir, sidecar);
  erase(dir, leftover);
  sync_names(dir);
}

}  // namespace vbs::lustre
