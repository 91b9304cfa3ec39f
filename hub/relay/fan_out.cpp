#include "hub/relay/fan_out.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "proto/limits.hpp"

namespace hub::relay {

namespace asio = boost::asio;
namespace limits = proto::limits;
using nlohmann::json;
using proto::error_code;

namespace {

// The one member of a machine's answer that the fleet's is made of. What a hostile machine can make of the memory that
// this takes is bounded by its answer's bytes and by the number of values in it.
proto::result<json> structured(const std::string& bytes) {
    std::size_t nodes = 0;
    const auto keep = [&nodes](int depth, json::parse_event_t event, const json& parsed) {
        if (event == json::parse_event_t::key && depth == 1) return parsed == "structuredContent";
        return ++nodes <= limits::fan_out_nodes_max;
    };
    auto parsed = json::parse(bytes, keep, false);
    if (nodes > limits::fan_out_nodes_max)
        return proto::fail(error_code::resource_exhausted, "The machine's answer is too large.", "Ask for less.");
    if (parsed.is_object()) {
        const auto found = parsed.find("structuredContent");
        if (found != parsed.end() && found->is_object()) return std::move(*found);
    }
    return proto::fail(error_code::internal, "The machine's answer has no structuredContent.");
}

asio::awaitable<proto::result<json>> whole_answer(std::shared_ptr<links::remote_call> call, std::size_t bytes_max) {
    std::string bytes;
    for (;;) {
        auto part = co_await call->next();
        if (!part) co_return std::unexpected(std::move(part.error().error));
        if (!*part) co_return structured(bytes);
        const auto* piece = std::get_if<std::string>(&**part);
        if (piece == nullptr) continue;
        if (bytes.size() + piece->size() > bytes_max) {
            call->cancel({});
            co_return proto::fail(error_code::resource_exhausted, "The machine's answer is too large.",
                                  "Ask for less.");
        }
        bytes += *piece;
    }
}

}  // namespace

// What the asking coroutines share; it outlives whichever of them ends last.
struct fan_out::round {
    std::vector<std::shared_ptr<links::link>> machines;
    fan_out_request request;
    std::size_t answer_bytes_max = 0;
    std::vector<machine_answer> answers;
    std::vector<std::shared_ptr<links::remote_call>> calls;  // under way
    std::size_t working = 0;
    std::size_t next = 0;
    bool over = false;
    asio::steady_timer* finished = nullptr;  // cancelled when all have answered or enough have

    void finish(const proto::error& unanswered) {
        if (std::exchange(over, true)) return;
        for (std::size_t i = 0; i < calls.size(); ++i) {
            if (!calls[i] && i < next) continue;
            answers[i].result = std::unexpected(unanswered);
            if (calls[i]) calls[i]->cancel(unanswered);
        }
        if (finished != nullptr) finished->cancel();
    }
};

fan_out::fan_out(std::vector<std::shared_ptr<links::link>> machines) : round_(std::make_shared<round>()) {
    round_->machines = std::move(machines);
}

// One worker takes machine after machine, so that no more are asked at once than there are workers.
asio::awaitable<void> fan_out::work(std::shared_ptr<round> shared) {
    auto& r = *shared;
    while (!r.over && r.next < r.machines.size()) {
        const std::size_t i = r.next++;
        const auto& arguments = r.request.arguments[r.request.arguments.size() == 1 ? 0 : i];
        auto call = r.machines[i]->call(r.request.header, arguments);
        if (!call) {
            r.answers[i].result = std::unexpected(std::move(call.error()));
        } else {
            r.calls[i] = *call;
            if (r.request.ends_on_drain) (*call)->end_on_drain();
            auto result = co_await whole_answer(*call, r.answer_bytes_max);
            r.calls[i].reset();
            if (r.over) break;
            r.answers[i].result = std::move(result);
        }
        if (r.request.until && r.request.until(r.answers[i]))
            r.finish({error_code::cancelled, "Enough machines have answered.", {}, {}});
    }
    if (--r.working == 0) r.finish({});
}

asio::awaitable<std::vector<machine_answer>> fan_out::collect(fan_out_request request) {
    round_->request = std::move(request);
    return gather(round_);
}

asio::awaitable<std::vector<machine_answer>> fan_out::gather(std::shared_ptr<round> shared) {
    const auto executor = co_await asio::this_coro::executor;
    auto& r = *shared;
    r.request.header.deadline_ms = r.request.timeout.count();
    for (const auto& one : r.machines)
        r.answers.push_back({one->machine().machine().machine_id, one->machine_name, std::unexpected(proto::error{})});
    if (r.machines.empty()) co_return std::move(r.answers);
    r.calls.resize(r.machines.size());
    r.answer_bytes_max = std::max(limits::result_bytes_max / r.machines.size(), limits::fan_out_answer_bytes_min);

    asio::steady_timer finished(executor, r.request.timeout);
    r.finished = &finished;
    // Who waits for something to happen must hear all of them.
    r.working = r.request.ends_on_drain ? r.machines.size() : std::min(r.machines.size(), limits::fan_out_machines_max);
    for (std::size_t i = r.working; i > 0; --i) asio::co_spawn(executor, work(shared), asio::detached);
    if (!r.over) {
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        auto [ec] = co_await finished.async_wait(token);
        (void)ec;
    }
    r.finished = nullptr;
    r.finish({error_code::timeout, "The machine did not answer in time.", "Try again.", {}});
    co_return std::move(r.answers);
}

void fan_out::stop() { round_->finish({error_code::cancelled, "The caller stopped waiting.", {}, {}}); }

}  // namespace hub::relay
