#include "hub/people/passkey_store.hpp"

#include <gmock/gmock.h>

#include "hub/people/sessions.hpp"
#include "tests/hub/people/people_test.hpp"

namespace hub::people {
namespace {

class passkeys : public people_test {
protected:
    void SetUp() override {
        people_test::SetUp();
        if (HasFatalFailure()) return;
        keys_ = std::make_unique<passkey_store>(*db_, [this] { return now_; });
    }
    passkey key(const std::string& id, std::uint32_t count = 0) const {
        return {id, owner_, "der", count, "phone", 0, {}};
    }
    std::unique_ptr<passkey_store> keys_;
};

TEST_P(passkeys, are_added_found_and_removed_by_their_owner) {
    const std::string id("\x01\0\xff", 3);
    ASSERT_TRUE(keys_->add(key(id, 5)));
    const auto found = keys_->find(id).value();
    EXPECT_EQ(found.id, id);
    EXPECT_EQ(found.user_id, owner_);
    EXPECT_EQ(found.public_key, "der");
    EXPECT_EQ(found.sign_count, 5U);
    EXPECT_EQ(found.created_at, now_);
    EXPECT_EQ(found.last_used_at, std::nullopt);
    EXPECT_EQ(keys_->add(key(id)).error().code, errc::already_exists);
    EXPECT_EQ(keys_->find("other").error().code, errc::not_found);
    EXPECT_EQ(keys_->list(owner_)->size(), 1U);
    EXPECT_TRUE(keys_->list("u_absent")->empty());
    EXPECT_EQ(keys_->remove("u_absent", id, {}).error().code, errc::not_found);
    EXPECT_EQ(keys_->remove(owner_, id, {}).error().code, errc::invalid) << "the only way in";
    ASSERT_TRUE(keys_->add(key("second")));
    ASSERT_TRUE(keys_->remove(owner_, id, {}));
    EXPECT_EQ(keys_->find(id).error().code, errc::not_found);
    EXPECT_THAT(noted(), testing::ElementsAre("user:" + owner_ + " person.passkey_removed " + owner_ + " ok",
                                              "user:" + owner_ + " person.passkey_added " + owner_ + " ok",
                                              "user:" + owner_ + " person.passkey_added " + owner_ + " ok"));
}

TEST_P(passkeys, have_names_and_are_bounded) {
    auto nameless = key("a");
    nameless.name = "";
    EXPECT_EQ(keys_->add(nameless).error().code, errc::invalid);
    for (std::size_t i = 0; i < passkeys_per_user_max; ++i) ASSERT_TRUE(keys_->add(key("k" + std::to_string(i))));
    EXPECT_EQ(keys_->add(key("one more")).error().code, errc::invalid);
}

TEST_P(passkeys, sign_in_and_count) {
    ASSERT_TRUE(keys_->add(key("a", 3)));
    const auto first = keys_->sign_in("a", 4, "");
    ASSERT_TRUE(first) << first.error().log_text;
    EXPECT_TRUE(alive(*first));
    EXPECT_EQ(first->user_id, owner_);
    const auto second = keys_->sign_in("a", 9, hash(first->secret)).value();
    EXPECT_FALSE(alive(*first));
    EXPECT_TRUE(alive(second));
    EXPECT_EQ(keys_->find("a")->sign_count, 9U);
    EXPECT_EQ(keys_->find("a")->last_used_at, now_);
    EXPECT_EQ(keys_->sign_in("b", 1, "").error().code, errc::not_found);
}

TEST_P(passkeys, a_count_that_does_not_grow_is_a_copy) {
    ASSERT_TRUE(keys_->add(key("a", 3)));
    for (const std::uint32_t count : {3U, 2U, 0U})
        EXPECT_EQ(keys_->sign_in("a", count, "").error().code, errc::key_conflict) << count;
    EXPECT_EQ(keys_->find("a")->sign_count, 3U);
    EXPECT_THAT(noted(),
                testing::Contains("user:" + owner_ + " person.sign_in_failed " + owner_ + " passkey_copied").Times(3));
    ASSERT_TRUE(keys_->add(key("never counts", 0)));
    EXPECT_TRUE(keys_->sign_in("never counts", 0, ""));
    EXPECT_TRUE(keys_->sign_in("never counts", 0, ""));
    ASSERT_TRUE(keys_->sign_in("never counts", 0xffffffffU, ""));
    EXPECT_EQ(keys_->find("never counts")->sign_count, 0xffffffffU);
}

TEST_P(passkeys, go_with_a_reset) {
    ASSERT_TRUE(keys_->add(key("a")));
    settled();
    EXPECT_TRUE(keys_->list(owner_)->empty());
}

TEST(signed_in, is_fresh_for_ten_minutes) {
    signed_in who;
    who.authenticated_at = 1'000'000;
    EXPECT_TRUE(is_fresh(who, 1'000'000 + 599'999));
    EXPECT_FALSE(is_fresh(who, 1'000'000 + 600'000));
}

CODEZ_ON_BOTH_DATABASES(passkeys);

}  // namespace
}  // namespace hub::people
