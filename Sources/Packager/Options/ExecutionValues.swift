/// A variable of the program's environment.
package struct EnvironmentVariable: Hashable, Sendable {
    package let name: String
    package let value: String
}

extension EnvironmentVariable: CustomStringConvertible {
    package var description: String { "\(name)=\(value)" }
}

/// A port that the program listens on.
package struct ExposedPort: Hashable, Sendable {
    package enum TransportProtocol: String, CaseIterable, Hashable, Sendable {
        case tcp
        case udp
        case sctp
    }

    package let number: UInt16
    package let transport: TransportProtocol
}

extension ExposedPort: CustomStringConvertible {
    package var description: String { "\(number)/\(transport.rawValue)" }
}

extension ExposedPort: Comparable {
    package static func < (left: ExposedPort, right: ExposedPort) -> Bool {
        (left.number, left.transport.rawValue) < (right.number, right.transport.rawValue)
    }
}

/// Whom the program runs as, in numbers: Kubernetes can tell that a user is not root only by its number.
package struct ImageUser: Hashable, Sendable {
    package let user: UInt32
    /// nil where the engine decides: it takes the group of the user's account, else root's.
    package let group: UInt32?

    /// An account without rights, whose number distroless images have made customary.
    package static let nonroot = ImageUser(user: 65_532, group: 65_532)

    /// The accounts that the base files know, each with a group of the same name and number.
    static let accounts: [(name: String, number: UInt32)] = [
        ("root", 0), ("nobody", 65_534), ("nonroot", 65_532),
    ]
}

extension ImageUser: CustomStringConvertible {
    package var description: String { group.map { "\(user):\($0)" } ?? "\(user)" }
}

extension EnvironmentVariable {
    init(option value: String) throws(PackagingOptionError) {
        guard let equals = value.firstIndex(of: "=") else {
            throw .invalid(.environment, value, "it has the form NAME=VALUE")
        }
        let name = value[..<equals].utf8
        // Wider than a shell's rule, as programs take theirs from configuration keys with dots and dashes
        // too.
        let isName = name.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "_"):
                true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"): index > 0
            default: false
            }
        }
        guard isName, !name.isEmpty, name.count <= PackagingOptions.Limit.nameSize else {
            throw .invalid(
                .environment,
                value,
                "a name is letters, digits, _, . and -, and begins with a letter or _"
            )
        }
        self.init(name: String(value[..<equals]), value: String(value[value.index(after: equals)...]))
    }
}

extension ExposedPort {
    init(option value: String) throws(PackagingOptionError) {
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        let transport = parts.count == 1 ? .tcp : TransportProtocol(rawValue: String(parts[1]))
        guard parts.count <= 2, let transport, let number = decimal(parts[0]).flatMap(UInt16.init(exactly:)),
            number > 0
        else {
            throw .invalid(
                .port,
                value,
                "it is a number from 1 to 65535, with /tcp, /udp or /sctp behind it if need be"
            )
        }
        self.init(number: number, transport: transport)
    }
}

extension ImageUser {
    /// Engines take numbers up to this one.
    private static let maximumNumber: UInt64 = 0x7FFF_FFFF

    init(option value: String) throws(PackagingOptionError) {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.compactMap(Self.number)
        guard parts.count <= 2, numbers.count == parts.count, let user = numbers.first else {
            let names = Self.accounts.map(\.name).joined(separator: ", ")
            throw .invalid(.user, value, "it is a number, two as in 1000:1000, or one of \(names)")
        }
        // A name stands for an account, whose group comes with it.
        let isName = parts.count == 1 && decimal(parts[0]) == nil
        self.init(user: user, group: isName ? user : numbers.dropFirst().first)
    }

    private static func number(_ text: Substring) -> UInt32? {
        if let account = accounts.first(where: { $0.name == text }) { return account.number }
        guard let number = decimal(text), number <= maximumNumber else { return nil }
        return UInt32(number)
    }
}

/// The number that text writes without sign or leading zeros; nil for any other text.
private func decimal(_ text: Substring) -> UInt64? {
    guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
        text == "0" || text.first != "0"
    else { return nil }
    return UInt64(text)
}
