#include "common/mcp/media_types.hpp"

#include <gtest/gtest.h>

namespace common::mcp {
namespace {

struct accept_case {
    std::string_view accept;
    bool json, events;
};

class accept_fields : public testing::TestWithParam<accept_case> {};

TEST_P(accept_fields, are_read) {
    const net::http_fields fields{{"aCCept", std::string(GetParam().accept)}};
    const accepted_types types = read_accept(fields);
    EXPECT_EQ(types.json, GetParam().json) << GetParam().accept;
    EXPECT_EQ(types.events, GetParam().events) << GetParam().accept;
}

INSTANTIATE_TEST_SUITE_P(media_types, accept_fields,
                         testing::Values(accept_case{"application/json, text/event-stream", true, true},
                                         accept_case{"text/event-stream,application/json;charset=utf-8", true, true},
                                         accept_case{"Application/JSON", true, false}, accept_case{"*/*", true, false},
                                         accept_case{"", true, false}, accept_case{" , ", true, false},
                                         accept_case{"application/*", true, false}, accept_case{"text/*", false, true},
                                         accept_case{"text/event-stream", false, true},
                                         accept_case{"text/html", false, false},
                                         accept_case{"application/json;q=0, text/event-stream", false, true},
                                         accept_case{"application/json;q=0.000", false, false},
                                         accept_case{"application/json;q=0.1", true, false},
                                         accept_case{"*/*, application/json;q=0", false, false},
                                         accept_case{"*/*;q=0", false, false}, accept_case{";;;,,;q=", true, false}));

TEST(media_types, accept_may_be_absent_or_spread_over_fields) {
    EXPECT_TRUE(read_accept({}).json);
    EXPECT_FALSE(read_accept({}).events);
    const accepted_types both = read_accept({{"Accept", "application/json"}, {"Accept", "text/event-stream"}});
    EXPECT_TRUE(both.json && both.events);
}

TEST(media_types, content_must_be_json) {
    EXPECT_TRUE(has_json_content({{"Content-Type", "application/json"}}));
    EXPECT_TRUE(has_json_content({{"content-type", "Application/Json ; charset=utf-8"}}));
    EXPECT_TRUE(has_json_content({{"Content-Type", "application/json"}, {"Content-Encoding", "identity"}}));
    EXPECT_FALSE(has_json_content({}));
    EXPECT_FALSE(has_json_content({{"Content-Type", "text/plain"}}));
    EXPECT_FALSE(has_json_content({{"Content-Type", "text/plain; x=application/json"}}));
    EXPECT_FALSE(has_json_content({{"Content-Type", "application/jsonx"}}));
    EXPECT_FALSE(has_json_content({{"Content-Type", "application/json"}, {"Content-Type", "text/plain"}}));
    EXPECT_FALSE(has_json_content({{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}));
}

}  // namespace
}  // namespace common::mcp
