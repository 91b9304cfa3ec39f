// A holder and its claude without processes: what is written is kept and may be answered, what claude says is put in by
// the test. Outlives the clients that attach to it, as a real one outlives the agent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/hold/client.hpp"
#include "agent/session/options.hpp"
#include "common/async/event_signal.hpp"

namespace tests {

using nlohmann::json;
namespace hold = agent::hold;

struct fake_holder {
    explicit fake_holder(boost::asio::any_io_executor executor) : changed(std::move(executor)) {}

    std::vector<hold::line> lines;             // claude's whole stdout
    std::vector<std::string> written;          // to its stdin
    std::function<void(const json&)> on_line;  // how claude answers
    std::uint64_t acknowledged = 0;
    bool over = false;
    bool gone = false;  // the holder itself was killed
    bool released = false;
    hold::exit_info exit;
    common::async::event_signal changed;

    void say(const std::string& text) {
        const std::uint64_t begin = lines.empty() ? 0 : lines.back().end_offset;
        lines.push_back(hold::line(text, begin + text.size() + 1));
        changed.notify_all();
    }
    void say(const json& value) { say(value.dump()); }
    void exits(int code, std::string stderr_tail = {}) {
        exit.code = code;
        exit.stderr_tail = std::move(stderr_tail);
        over = true;
        changed.notify_all();
    }
    void kill() {
        gone = true;
        changed.notify_all();
    }
    // The prompts that were written, in order.
    std::vector<std::string> prompts() const {
        std::vector<std::string> out;
        for (const auto& line : written)
            if (const json each = json::parse(line); each["type"] == "user") out.push_back(each["uuid"]);
        return out;
    }
    std::vector<json> answers() const {
        std::vector<json> out;
        for (const auto& line : written)
            if (json each = json::parse(line); each["type"] == "control_response") out.push_back(each["response"]);
        return out;
    }
};

class fake_client final : public hold::client {
public:
    fake_client(std::shared_ptr<fake_holder> holder, std::uint64_t offset) : holder_(std::move(holder)) {
        while (next_ < holder_->lines.size() && holder_->lines[next_].end_offset <= offset) ++next_;
    }

    boost::asio::awaitable<std::expected<void, hold::hold_error>> write_line(std::string text) override {
        if (holder_->gone || holder_->over) co_return std::unexpected(error(hold::hold_errc::gone));
        holder_->written.push_back(text);
        if (holder_->on_line) holder_->on_line(json::parse(text));
        co_return std::expected<void, hold::hold_error>();
    }
    boost::asio::awaitable<std::expected<hold::line, hold::hold_error>> next_line() override {
        while (next_ == holder_->lines.size()) {
            if (holder_->gone) co_return std::unexpected(error(hold::hold_errc::gone));
            if (holder_->over) co_return std::unexpected(error(hold::hold_errc::ended));
            const bool notified = co_await holder_->changed.wait();
            if (!notified) co_return std::unexpected(error(hold::hold_errc::failed));
        }
        co_return holder_->lines[next_++];
    }
    void acknowledge(std::uint64_t offset) override { holder_->acknowledged = offset; }
    void end(std::chrono::milliseconds) override {
        if (!holder_->over) holder_->exits(0);
    }
    boost::asio::awaitable<void> release() override {
        holder_->released = true;
        holder_->changed.notify_all();
        co_return;
    }
    std::optional<hold::exit_info> exit_status() const override {
        return holder_->over ? std::optional(holder_->exit) : std::nullopt;
    }
    int claude_pid() const override { return 4242; }
    std::string trouble() const override { return {}; }

private:
    static hold::hold_error error(hold::hold_errc code) { return {code, "told by the test"}; }

    std::shared_ptr<fake_holder> holder_;
    std::size_t next_ = 0;
};

// All holders of one test's machine, by directory.
struct fake_machine {
    explicit fake_machine(boost::asio::any_io_executor e) : executor(std::move(e)) {}

    boost::asio::any_io_executor executor;
    std::map<std::string, std::shared_ptr<fake_holder>> holders;
    std::vector<hold::spawn_spec> spawned;
    std::function<void(fake_holder&)> on_spawn;  // what claude does from its start
    std::optional<hold::hold_error> refuse;      // spawns fail with it
    int leftovers_ended = 0;

    fake_holder& last() { return *holders.at(spawned.back().directory); }
    agent::session::holder_calls calls();
};

using attached = agent::session::holder_calls::attached;

inline boost::asio::awaitable<attached> fake_spawn(fake_machine* machine, hold::spawn_spec spec) {
    if (machine->refuse) co_return std::unexpected(*machine->refuse);
    auto holder = std::make_shared<fake_holder>(machine->executor);
    machine->holders[spec.directory] = holder;
    machine->spawned.push_back(std::move(spec));
    if (machine->on_spawn) machine->on_spawn(*holder);
    co_return std::make_unique<fake_client>(holder, 0);
}

inline boost::asio::awaitable<attached> fake_attach(fake_machine* machine, std::string directory,
                                                    std::uint64_t offset) {
    const auto found = machine->holders.find(directory);
    if (found == machine->holders.end() || found->second->gone)
        co_return std::unexpected(hold::hold_error{hold::hold_errc::gone, "no holder"});
    co_return std::make_unique<fake_client>(found->second, offset);
}

inline agent::session::holder_calls fake_machine::calls() {
    agent::session::holder_calls out;
    out.spawn = [this](boost::asio::any_io_executor, std::filesystem::path, hold::spawn_spec spec) {
        return fake_spawn(this, std::move(spec));
    };
    out.attach = [this](boost::asio::any_io_executor, std::filesystem::path directory, std::uint64_t offset) {
        return fake_attach(this, directory.string(), offset);
    };
    out.read_orphaned_spool = [this](const std::filesystem::path& directory, std::uint64_t offset) {
        std::vector<hold::line> lines;
        if (const auto found = holders.find(directory); found != holders.end())
            for (const auto& line : found->second->lines)
                if (line.end_offset > offset) lines.push_back(line);
        return lines;
    };
    out.end_leftovers = [this](const std::string&) { return ++leftovers_ended; };
    return out;
}

}  // namespace tests
