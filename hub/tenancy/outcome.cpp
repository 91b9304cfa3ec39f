#include "hub/tenancy/outcome.hpp"

namespace hub::tenancy {

error from_database(const common::db::db_error& e) {
    using common::db::db_errc;
    switch (e.code) {
        case db_errc::already_exists:
            return {errc::already_exists, "There is such an entry already. Choose another name.", e.message};
        case db_errc::unavailable:
            return {errc::unavailable, "The hub's database does not answer. Try again in a moment.", e.message};
        case db_errc::full:
            return {errc::unavailable, "The disk of the hub's database is full. Nothing was changed; free some space.",
                    e.message};
        case db_errc::unknown:
            return {errc::in_doubt,
                    "The connection to the hub's database broke at the last step, so the change may or may not have "
                    "happened. Look before you try again.",
                    e.message};
        case db_errc::corrupt:
            return {errc::failed, "The hub's database is damaged. Restore it from a backup.", e.message};
        case db_errc::failed:
            break;
    }
    return {errc::failed, "The hub's database refused the operation. The hub's log says why.", e.message};
}

}  // namespace hub::tenancy
