#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"

#include <doctest/doctest.h>

using bus::crypto::Hash;
using bus::crypto::hmac;
using bus::crypto::HmacKey;

namespace {

// The first cases of RFC 4231 and RFC 2202: a short key, one of a few letters, one beyond a block.
struct Vector {
    Hash hash;
    std::string key;
    std::string text;
    std::string_view code;
};
const std::vector<Vector> vectors{
    {Hash::sha256, std::string(20, '\x0b'), "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {Hash::sha256, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {Hash::sha256, std::string(131, '\xaa'),
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {Hash::sha1, std::string(20, '\x0b'), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {Hash::sha1, std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"}};

}  // namespace

TEST_CASE("digest: SHA-256 and HMAC give what their standards say") {
    CHECK(bus::to_hex(bus::crypto::view(bus::crypto::sha256("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(bus::to_hex(bus::crypto::view(bus::crypto::sha256(""))) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (const Vector& one : vectors)
        CHECK(bus::to_hex(hmac(one.hash, one.key, {one.text})) == one.code);
}

TEST_CASE("digest: a key signs any number of messages, and pieces count as their whole") {
    for (const Vector& one : vectors) {
        const HmacKey key(one.hash, one.key);
        const HmacKey copy = key;
        const std::string_view text = one.text;
        CHECK(key.sign({"something else"}) != key.sign({}));
        CHECK(bus::to_hex(key.sign({text.substr(0, 3), "", text.substr(3)})) == one.code);
        CHECK(bus::to_hex(copy.sign({text})) == one.code);
    }
    CHECK(bus::crypto::sha256({"a", "", "bc"}) == bus::crypto::sha256("abc"));
    CHECK(HmacKey(Hash::sha256, "").sign({"x"}) == hmac(Hash::sha256, "", {"x"}));
}
