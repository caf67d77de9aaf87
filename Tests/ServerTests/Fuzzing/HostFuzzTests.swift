import TestSupport
import Testing

@testable import Server

/// Names that a listener answers to: its own, and no other in any spelling.
@Suite("Hosts in any spelling")
struct HostFuzzTests {
    private let seed = TestSeed.current

    /// An IPv6 address of eight groups, in one of its spellings.
    private func spelling(of groups: [UInt16], _ random: inout SplitMix) -> String {
        var texts = groups.map { group in
            let digits = String(group, radix: 16, uppercase: random.once(in: 2))
            return random.once(in: 3) ? String(repeating: "0", count: 4 - digits.count) + digits : digits
        }
        if random.once(in: 3) {
            let (high, low) = (groups[6], groups[7])
            texts.replaceSubrange(6..., with: ["\(high >> 8).\(high & 255).\(low >> 8).\(low & 255)"])
        }
        // The first run of zeros may be two colons.
        guard random.once(in: 2), let start = groups.firstIndex(of: 0), start < 6 else {
            return texts.joined(separator: ":")
        }
        let end = min(groups[start...].firstIndex { $0 != 0 } ?? 8, 6)
        return texts[..<start].joined(separator: ":") + "::" + texts[end...].joined(separator: ":")
    }

    @Test("An address is the loopback's or it is not, however it is written")
    func addresses() {
        var random = seed.random()
        for _ in 1...3000 {
            let bytes = (0..<4).map { _ in Int.random(in: 0...300, using: &random) }
            let first = random.once(in: 2) ? 127 : bytes[0]
            let text = "\(first).\(bytes[1]).\(bytes[2]).\(bytes[3])"
            let isLoopback = first == 127 && bytes[1...].allSatisfy { $0 < 256 }
            #expect(HostRule.isLoopbackAddress(text) == isLoopback, "\(seed): \(text)")

            var groups = [UInt16](repeating: 0, count: 8)
            switch Int.random(in: 0...3, using: &random) {
            case 0: groups[7] = 1
            case 1: groups[5...7] = [0xFFFF, random.pick([0x7F00, 0x7FFF, 0x8000, 0x0A00]), 1]
            case 2: groups[Int.random(in: 0...7, using: &random)] = 1
            default: groups = groups.map { _ in UInt16.random(in: 0...2, using: &random) }
            }
            let isOwn = groups == [0, 0, 0, 0, 0, 0, 0, 1]
            let isMapped = groups[..<6] == [0, 0, 0, 0, 0, 0xFFFF] && groups[6] >> 8 == 127
            let address = spelling(of: groups, &random)
            #expect(HostRule.isLoopbackAddress(address) == (isOwn || isMapped), "\(seed): \(address)")
        }
    }

    @Test("A name with a port is read as it is written, and nothing but a port may stand behind it")
    func names() {
        var random = seed.random(1)
        let pattern = POSIXPattern("(([^:[][^:]*)|\\[([^]]+)\\])(:[0-9]*)?")
        let rule = HostRule(isLoopback: true, hosts: ["Registry.example"])
        let hosts = [
            "localhost", "LOCALHOST", "localhost:5000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:5000",
            "registry.example:443", "evil.example", "localhost.evil.example", "[::2]", "10.0.0.1", "0.0.0.0",
        ]
        var counts = (yes: 0, no: 0)
        for _ in 1...2000 {
            let host = random.once(in: 3) ? random.pick(hosts) : random.damage(random.pick(hosts))
            let groups = pattern.groups(host)
            let wanted = groups.map { $0[1].isEmpty ? $0[2] : $0[1] }?.lowercased()
            // A NUL is nothing that the oracle can see.
            guard !host.utf8.contains(0) else {
                #expect(!rule.allows(host), "\(seed): \(host.debugDescription)")
                continue
            }
            #expect(HostRule.name(in: host) == wanted, "\(seed): \(host.debugDescription)")
            let isAllowed =
                wanted.map {
                    $0 == "localhost" || $0 == "registry.example" || HostRule.isLoopbackAddress($0)
                } ?? false
            #expect(rule.allows(host) == isAllowed, "\(seed): \(host.debugDescription)")
            if isAllowed { counts.yes += 1 } else { counts.no += 1 }
        }
        #expect(counts.yes > 100 && counts.no > 100, "\(seed): \(counts)")
        for text in HostileText.long { #expect(!rule.allows(text) && !rule.allows("localhost" + text)) }
    }
}
