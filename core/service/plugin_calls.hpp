// Private to core/service: a plugin call outside of an operation (a question, no change), in the pool of its host or
// back-end, waited for with a limit: a hypervisor that hangs costs the caller a 503, not the thread for ever.
#pragma once
#include <future>
#include <optional>

#include "core/base/watch.hpp"
#include "core/service/core.hpp"

namespace vbs {
constexpr std::chrono::seconds kQuestionLimit{20};

template <class Result, class Item, class F>
Result ask(Item& item, const std::string& label, F f) {
  auto promise = std::make_shared<std::promise<Result>>();
  auto result = promise->get_future();
  auto watch = std::make_shared<Watch>(item.slot.pool());
  item.slot.pool().submit([&item, promise, watch, f] {
    if (!watch->begin()) return;
    std::optional<Result> answer;
    std::exception_ptr error;
    try {
      Call call;
      call.id = "question";
      call.deadline = std::chrono::steady_clock::now() + kQuestionLimit;
      answer.emplace(f(item.slot.plugin(), call));
    } catch (...) {
      error = std::current_exception();
    }
    watch->end();
    error ? promise->set_exception(error) : promise->set_value(std::move(*answer));
  });
  if (result.wait_for(kQuestionLimit + std::chrono::seconds(2)) != std::future_status::ready && watch->give_up())
    throw Error(Code::unavailable, label + " does not answer");
  return result.get();
}

// `f` must own what it uses: the call may outlive the question.
template <class Result, class F>
Result on_host(Host& host, F f) {
  if (host.config.hypervisor.empty())
    throw Error(Code::not_supported,
                "host " + host.row.name + " has no hypervisor in the configuration: its VMs are not managed here",
                "host");
  return ask<Result>(host, "host " + host.row.name, std::move(f));
}
template <class Result, class F>
Result on_backend(Backend& backend, F f) {
  return ask<Result>(backend, "back-end " + backend.row.name, std::move(f));
}
}  // namespace vbs
