// One operation of each kind, with what must be there before it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tests/support/test_core.hpp"

namespace vbs::test {

struct Scene {
  std::string volume, snapshot, clone;
};

struct Scenario {
  std::string name;
  std::function<void(TestCore&, Scene&)> prepare;
  std::function<Admitted(TestCore&, const Scene&)> run;
  bool on_layers_only = false;  // elsewhere it is refused
};

const std::vector<Scenario>& scenarios();

}  // namespace vbs::test
