#include "core/http/handler_pool.hpp"

namespace vbs::http {
HandlerPool::HandlerPool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}
HandlerPool::~HandlerPool() { stop(); }

bool HandlerPool::post(Job job) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void HandlerPool::stop() {
  std::deque<Job> unrun;  // destroyed outside of the lock: a job's end may answer its request
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    unrun.swap(queue_);
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void HandlerPool::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
      if (stopped_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}
}  // namespace vbs::http
