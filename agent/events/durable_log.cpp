#include "agent/events/durable_log.hpp"

#include <algorithm>
#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/events/event_rows.hpp"
#include "proto/limits.hpp"

namespace agent::events {

namespace asio = boost::asio;
using common::db::connection;
namespace limits = proto::limits;

namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t reads_queued_max = limits::event_waiters_max;

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::unexpected<proto::error> closed() {
    return proto::fail(proto::error_code::cancelled, "The agent is ending.", "Try again when it has started again.");
}

bool wants(const filter& f, const std::string& session_id, const std::string& type) {
    return (f.session_id.empty() || f.session_id == session_id) &&
           (f.types.empty() || std::ranges::find(f.types, type) != f.types.end());
}

}  // namespace

class log_state::listed_waiter {
public:
    listed_waiter(log_state& state, const filter& wanted)
        : state_(state),
          place_(state.waiters_.insert(state.waiters_.end(), waiter{wanted, asio::steady_timer(state.executor_)})) {}
    ~listed_waiter() { state_.waiters_.erase(place_); }
    listed_waiter(const listed_waiter&) = delete;
    listed_waiter& operator=(const listed_waiter&) = delete;

    waiter* operator->() { return &*place_; }

private:
    log_state& state_;
    std::list<waiter>::iterator place_;
};

// Ephemeral positions of a later run are above those of an earlier one: no run pushes a thousand each millisecond.
log_state::log_state(asio::any_io_executor executor, log_files files)
    : executor_(std::move(executor)),
      working_(executor_),
      log_id_(files.log_id),
      directory_(files.directory),
      last_seq_(files.last_seq),
      ring_(now_ms() * 1000),
      reading_(std::move(files.reading)),
      reader_(std::make_unique<common::async::blocking_pool>(1, reads_queued_max)) {
    // The writer's thread never touches this object: it posts, and the callback may come after the end.
    writer_ = std::make_unique<writer>(
        std::move(files), [this, executor = executor_](std::vector<written_item> group, std::int64_t last_seq) {
            asio::post(executor, [state = weak_from_this(), group = std::move(group), last_seq]() mutable {
                if (const auto self = state.lock()) return self->on_written(std::move(group), last_seq);
                for (auto& written : group) written.item.done->deliver(std::move(written.outcome));
            });
        });
}

log_state::~log_state() = default;

void log_state::close() {
    closed_ = true;
    for (auto& w : waiters_) {
        w.notified = true;
        w.timer.cancel();
    }
    writer_.reset();
    reader_->stop();
}

asio::awaitable<proto::result<std::int64_t>> log_state::push(write_item item) {
    auto done = std::make_shared<delivery<std::int64_t>>();
    if (closed_) {
        done->deliver(closed());
    } else {
        item.at_ms = now_ms();
        item.done = done;
        queued_ += static_cast<std::int64_t>(item.what.events.size());
        if (items_on_their_way_++ == 0) working_ = asio::prefer(executor_, asio::execution::outstanding_work.tracked);
        writer_->push(std::move(item));
    }
    return delivery<std::int64_t>::wait(std::move(done));
}

void log_state::on_written(std::vector<written_item> group, std::int64_t last_seq) {
    last_seq_ = last_seq;
    for (const auto& written : group) {
        queued_ -= static_cast<std::int64_t>(written.item.what.events.size());
        if (!written.outcome) continue;
        forget_superseded(written);
        for (const auto& e : written.item.what.events) notify(e.session_id, e.type, false);
    }
    items_on_their_way_ -= static_cast<std::int64_t>(group.size());
    if (items_on_their_way_ == 0) working_ = executor_;
    for (auto& written : group) written.item.done->deliver(std::move(written.outcome));
}

void log_state::forget_superseded(const written_item& written) {
    auto part = written.completed_parts.begin();
    for (const auto& e : written.item.what.events) {
        if (e.type == "message.part.completed")
            ring_.forget_part(e.session_id, *part++);
        else if (e.starts_turn || e.type == "session.idle" || e.type == "session.error")
            ring_.forget_session(e.session_id);  // parts of a turn that is over are not completed any more
    }
}

void log_state::notify(const std::string& session_id, const std::string& type, bool ephemeral) {
    for (auto& w : waiters_) {
        if (w.notified || !wants(w.wanted, session_id, type)) continue;
        if (ephemeral && (!w.wanted.ephemeral_after || w.wanted.session_id.empty())) continue;
        w.notified = true;
        w.timer.cancel();
    }
}

void log_state::push_ephemeral(new_event e) {
    const std::string session_id = e.session_id;
    const std::string type = e.type;
    ring_.push(std::move(e), last_seq_ + queued_, now_ms());
    notify(session_id, type, true);
}

asio::awaitable<proto::result<page>> log_state::read(std::shared_ptr<log_state> self, filter f, std::int64_t after,
                                                     int limit, std::chrono::milliseconds wait) {
    const page_limit bounds{std::clamp(limit, 1, limits::events_page_max), limits::events_page_bytes_max};
    wait = std::clamp(wait, std::chrono::milliseconds(0), std::chrono::milliseconds(limits::send_and_wait_ms_max));
    const auto deadline = std::chrono::steady_clock::now() + wait;
    if (wait.count() > 0 && self->waiters_.size() >= limits::event_waiters_max)
        co_return proto::fail(proto::error_code::resource_exhausted, "Too many readers wait for this machine's events.",
                              "Try again in a moment, or end readers that are no longer needed.");
    // Listed before the query: what is committed meanwhile is not missed.
    listed_waiter me(*self, f);
    for (;;) {
        if (self->closed_) co_return closed();
        me->notified = false;
        page found;
        found.next_seq = after;
        // Beyond what was told there is nothing yet, so a reader that is up to date costs no SQL.
        if (after < self->last_seq_) {
            std::function<page(connection&)> select = [f, after, bounds](connection& c) {
                return read_page(c, f, after, bounds);
            };
            auto selected = co_await query<page>(self, std::move(select));
            if (!selected) co_return std::unexpected(std::move(selected.error()));
            found = std::move(*selected);
        }
        self->ring_.mix_into(found, f, after);
        if (!found.events.empty() || std::chrono::steady_clock::now() >= deadline) co_return found;
        after = found.next_seq;
        if (f.ephemeral_after) f.ephemeral_after = found.next_ephemeral;
        if (me->notified) continue;
        me->timer.expires_at(deadline);
        co_await me->timer.async_wait(nothrow);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none)
            co_return proto::fail(proto::error_code::cancelled, "The reader does not wait any more.");
    }
}

template <class T>
asio::awaitable<proto::result<T>> log_state::query(std::shared_ptr<log_state> self,
                                                   std::function<T(connection&)> query) {
    if (self->closed_) co_return closed();
    auto transaction = [self, query = std::move(query)] { return self->reading_->transaction(query); };
    std::string what;
    try {
        auto ran = co_await self->reader_->run(std::move(transaction));
        if (!ran) {
            if (ran.error() == common::async::pool_error::stopped) co_return closed();
            co_return proto::fail(proto::error_code::resource_exhausted,
                                  "This machine has too many reads of its log waiting.", "Try again in a moment.");
        }
        if (*ran) co_return std::move(**ran);
        if (ran->error().code == common::db::db_errc::corrupt) note_damage(self->directory_);
        what = ran->error().message;
    } catch (const std::exception& bug) {
        what = bug.what();
    }
    co_return proto::fail(proto::error_code::internal, "This machine's log cannot be read: " + what,
                          "If it lasts, restart the agent: a damaged log is set aside.");
}

namespace {

template <class T>
asio::awaitable<proto::result<void>> without_value(asio::awaitable<proto::result<T>> valued) {
    auto done = co_await std::move(valued);
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return proto::result<void>();
}

class durable_log final : public log {
public:
    explicit durable_log(std::shared_ptr<log_state> state) : state_(std::move(state)) {}
    ~durable_log() override { state_->close(); }

    const std::string& log_id() const override { return state_->log_id(); }

    asio::awaitable<proto::result<std::int64_t>> append(batch b) override {
        return state_->push({.what = std::move(b), .at_ms = 0, .job = {}, .done = {}});
    }

    asio::awaitable<proto::result<page>> read(filter f, std::int64_t after, int limit,
                                              std::chrono::milliseconds wait) override {
        return log_state::read(state_, std::move(f), after, limit, wait);
    }

    void push_ephemeral(new_event e) override { state_->push_ephemeral(std::move(e)); }

    std::int64_t last_seq() const override { return state_->last_seq(); }

    asio::awaitable<proto::result<std::optional<std::int64_t>>> turn_start(std::string session_id) override {
        std::function<std::optional<std::int64_t>(connection&)> select =
            [session_id = std::move(session_id)](connection& c) { return turn_start_seq(c, session_id); };
        return log_state::query<std::optional<std::int64_t>>(state_, std::move(select));
    }

    asio::awaitable<proto::result<std::int64_t>> seq_before(std::int64_t at_ms) override {
        std::function<std::int64_t(connection&)> select = [at_ms](connection& c) { return last_seq_before(c, at_ms); };
        return log_state::query<std::int64_t>(state_, std::move(select));
    }

    asio::awaitable<proto::result<void>> run(std::function<void(connection&)> job) override {
        return without_value(state_->push({.what = {}, .at_ms = 0, .job = std::move(job), .done = {}}));
    }

    asio::awaitable<proto::result<void>> run_reading(std::function<void(connection&)> job) override {
        std::function<bool(connection&)> select = [job = std::move(job)](connection& c) {
            job(c);
            return true;
        };
        return without_value(log_state::query<bool>(state_, std::move(select)));
    }

    std::string trouble() const override { return state_->trouble(); }

private:
    std::shared_ptr<log_state> state_;
};

}  // namespace

proto::result<std::unique_ptr<log>> open_log(asio::any_io_executor executor, const std::string& directory) {
    auto files = open_files(directory);
    if (!files) return std::unexpected(std::move(files.error()));
    return std::make_unique<durable_log>(std::make_shared<log_state>(std::move(executor), std::move(*files)));
}

}  // namespace agent::events
