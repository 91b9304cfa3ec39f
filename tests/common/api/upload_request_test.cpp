// What is read of an upload before the file comes.
#include "common/api/upload_request.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/api/api_error.hpp"
#include "proto/limits.hpp"

namespace common::api {
namespace {

net::http_request put(std::string query, std::string length = "5") {
    net::http_request head;
    head.method = "PUT";
    head.path = uploads_path;
    head.query = std::move(query);
    if (!length.empty()) head.fields.add("Content-Length", std::move(length));
    return head;
}

int status_of_refusal(const net::http_request& head) {
    const auto read = read_upload_request(head, "req_1");
    if (read) return 0;
    const auto body = nlohmann::json::parse(read.error().body);
    EXPECT_EQ(body["code"], "invalid_argument");
    EXPECT_EQ(body["request_id"], "req_1");
    EXPECT_NE(body["message"], "");
    return read.error().status;
}

TEST(upload_request, machine_and_name_are_decoded) {
    const auto read = read_upload_request(put("name=a%20b%2Fc.png&machine=m%C3%BC", "33554432"), "r");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->name, "a b/c.png");
    EXPECT_EQ(read->machine, "m\xC3\xBC");
    EXPECT_EQ(read->bytes, proto::limits::call_body_bytes_max);
    EXPECT_TRUE(read_upload_request(put(""), "r"));
}

TEST(upload_request, what_is_wrong_has_its_status) {
    for (const char* query : {"x=1", "name=a&name=b", "name=%zz", "name", "a b"})
        EXPECT_EQ(status_of_refusal(put(query)), std::string_view(query) == "name" ? 0 : 400) << query;
    EXPECT_EQ(status_of_refusal(put("name=" + std::string(129, 'x'))), 400);
    EXPECT_EQ(status_of_refusal(put("", "")), 411);
    EXPECT_EQ(status_of_refusal(put("", "5x")), 411);
    EXPECT_EQ(status_of_refusal(put("", "99999999999999999999")), 411);
    EXPECT_EQ(status_of_refusal(put("", "0")), 400);
    EXPECT_EQ(status_of_refusal(put("", "33554433")), 413);
    auto posted = put("");
    posted.method = "POST";
    EXPECT_EQ(status_of_refusal(posted), 405);
    EXPECT_EQ(read_upload_request(posted, "r").error().fields.find("Allow"), "PUT");
}

TEST(api_error, codes_have_statuses) {
    using enum proto::error_code;
    EXPECT_EQ(status_of(not_found), 404);
    EXPECT_EQ(status_of(resource_exhausted), 429);
    EXPECT_EQ(status_of(unsupported_by_machine), 501);
    const auto answer = error_answer({machine_offline, "Away.", "Wait.", {}}, "req_2");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.fields.find("X-Request-Id"), "req_2");
    EXPECT_EQ(nlohmann::json::parse(answer.body)["code"], "machine_offline");
}

}  // namespace
}  // namespace common::api
