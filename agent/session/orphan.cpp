#include "agent/session/orphan.hpp"

#include <utility>

namespace agent::session {
namespace asio = boost::asio;
namespace {

class orphan final : public hold::client {
public:
    explicit orphan(std::vector<hold::line> lines) : lines_(std::move(lines)) {}

    asio::awaitable<std::expected<void, hold::hold_error>> write_line(std::string) override {
        co_return std::unexpected(gone());
    }
    asio::awaitable<std::expected<hold::line, hold::hold_error>> next_line() override {
        if (next_ == lines_.size()) co_return std::unexpected(gone());
        co_return std::move(lines_[next_++]);
    }
    void acknowledge(std::uint64_t) override {}
    void end(std::chrono::milliseconds) override {}
    asio::awaitable<void> release() override { co_return; }
    std::optional<hold::exit_info> exit_status() const override { return std::nullopt; }
    int claude_pid() const override { return 0; }
    std::string trouble() const override { return {}; }

private:
    static hold::hold_error gone() { return {hold::hold_errc::gone, "The session's holder is gone."}; }

    std::vector<hold::line> lines_;
    std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<hold::client> make_orphan(std::vector<hold::line> lines) {
    return std::make_unique<orphan>(std::move(lines));
}

}  // namespace agent::session
