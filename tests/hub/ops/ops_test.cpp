#include "hub/ops/ops.hpp"

#include "tests/hub/links/hub_fixture.hpp"

namespace hub::ops {
namespace {

class ops_listeners : public tests::hub_fixture {
protected:
    std::shared_ptr<tests::fake_exchange> ask(const std::string& path, const std::string& method = "GET") {
        common::net::http_request request;
        request.method = method;
        request.path = path;
        const auto exchange = std::make_shared<tests::fake_exchange>(std::move(request));
        run(ops_.handle(*exchange));
        EXPECT_EQ(exchange->answers, 1);
        return exchange;
    }
    ops ops_{*store_, pool_, links_};
};

TEST_F(ops_listeners, healthy_is_whoever_answers) {
    const auto answer = ask("/healthz");
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->json()["ok"], true);
    EXPECT_EQ(answer->field("Cache-Control"), "no-store");
    EXPECT_EQ(ask("/healthz", "HEAD")->status, 200);
}

TEST_F(ops_listeners, ready_is_who_has_a_database) {
    auto identity = enrol("box");
    link_up(identity);
    const auto answer = ask("/readyz");
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->json()["links"], 1);
    const auto other = common::db::open("sqlite://" + (directory_.path() / "hub.db").string()).value();
    (void)other->transaction([&](common::db::connection&) {
        const auto waiting = ask("/readyz");
        EXPECT_EQ(waiting->status, 503);
        EXPECT_EQ(waiting->json()["database"], "unavailable");
        EXPECT_EQ(ask("/healthz")->status, 200) << "restarting it would not help";
    });
    EXPECT_EQ(ask("/readyz")->status, 200);
    pool_.stop();
    EXPECT_EQ(ask("/readyz")->status, 503);
}

TEST_F(ops_listeners, anything_else_is_not_there) {
    EXPECT_EQ(ask("/")->status, 404);
    EXPECT_EQ(ask("/healthz/x")->status, 404);
    const auto answer = ask("/healthz", "POST");
    EXPECT_EQ(answer->status, 405);
    EXPECT_EQ(answer->field("Allow"), "GET, HEAD");
}

}  // namespace
}  // namespace hub::ops
