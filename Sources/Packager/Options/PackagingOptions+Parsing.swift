import OCI

extension PackagingOptions {
    /// Parses options as they stand in a query, in order.
    ///
    /// `entrypoint`, `cmd`, `env`, `port` and `label` may be repeated: every `entrypoint` and `cmd` is one
    /// argument. The others are given at most once. `ca` is `on` or `off`, or one of their usual synonyms.
    package init(_ pairs: [(name: String, value: String)]) throws(PackagingOptionError) {
        var counts: [Name: Int] = [:]
        var totalSize = 0
        for (name, value) in pairs {
            guard let name = Name(rawValue: name) else { throw .unknown(name) }
            counts[name, default: 0] += 1
            guard counts[name] == 1 || name.isRepeatable else { throw .repeated(name) }
            guard counts[name, default: 0] <= Limit.repetitions else { throw .tooMany(name) }
            totalSize += value.utf8.count
            guard value.utf8.count <= Limit.valueSize, totalSize <= Limit.totalSize else {
                throw .tooLong(name)
            }
            guard !value.utf8.contains(0) else { throw .invalid(name, value, "no value contains NUL") }
            try set(name, to: value)
        }
        ports = Set(ports).sorted()
    }

    private mutating func set(_ name: Name, to value: String) throws(PackagingOptionError) {
        switch name {
        case .entrypoint:
            guard !(value.isEmpty && entrypoint == nil) else {
                throw .invalid(name, value, "it names a program")
            }
            entrypoint = (entrypoint ?? []) + [value]
        case .command: command.append(value)
        case .environment:
            let variable = try EnvironmentVariable(option: value)
            guard !environment.contains(where: { $0.name == variable.name }) else {
                throw .invalid(name, value, "every variable is set once")
            }
            environment.append(variable)
        case .port: ports.append(try ExposedPort(option: value))
        case .label:
            let (key, text) = try Self.label(value)
            guard labels.updateValue(text, forKey: key) == nil else {
                throw .invalid(name, value, "every label is given once")
            }
        case .user: user = try ImageUser(option: value)
        case .workingDirectory: workingDirectory = try Self.absolutePath(value)
        case .base:
            guard let base = Base(rawValue: value) else {
                throw .invalid(name, value, "it is default or none")
            }
            self.base = base
        case .certificates: certificates = try Self.isOn(name, value)
        case .build:
            let isName = value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            guard isName, (1...Limit.nameSize).contains(value.utf8.count) else {
                throw .invalid(
                    name,
                    value,
                    "it is 1 to \(Limit.nameSize) printable characters without spaces"
                )
            }
            build = value
        case .expected: expected = try Self.platforms(value)
        }
    }

    private static func platforms(_ value: String) throws(PackagingOptionError) -> [Platform] {
        let names = value.split(separator: ",", omittingEmptySubsequences: false)
        let platforms = names.compactMap { Platform($0) }
        guard platforms.count == names.count, Set(platforms).count == names.count,
            platforms.count <= Limit.platforms
        else {
            throw .invalid(.expected, value, "it is a list of platforms, such as linux/amd64,linux/arm64")
        }
        return platforms.sorted { $0.description < $1.description }
    }

    private static func label(_ value: String) throws(PackagingOptionError) -> (key: String, text: String) {
        guard let equals = value.firstIndex(of: "="), equals > value.startIndex else {
            throw .invalid(.label, value, "it has the form KEY=VALUE")
        }
        let key = value[..<equals]
        let isPrintable = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPrintable, key.utf8.count <= Limit.nameSize else {
            throw .invalid(
                .label,
                value,
                "a key is at most \(Limit.nameSize) printable characters without spaces"
            )
        }
        return (String(key), String(value[value.index(after: equals)...]))
    }

    private static func absolutePath(_ value: String) throws(PackagingOptionError) -> String {
        let components = value.split(separator: "/")
        // The longest path that Linux takes.
        guard value.hasPrefix("/"), !components.contains(where: { $0 == "." || $0 == ".." }),
            value.utf8.count < 4096
        else {
            throw .invalid(.workingDirectory, value, "it is an absolute path without . and .., such as /data")
        }
        return "/" + components.joined(separator: "/")
    }

    private static func isOn(_ name: Name, _ value: String) throws(PackagingOptionError) -> Bool {
        switch value {
        case "on", "1", "true", "yes": true
        case "off", "0", "false", "no": false
        default: throw .invalid(name, value, "it is on or off")
        }
    }
}

extension PackagingOptions.Name {
    /// Whether the option adds to what it said before, rather than contradicting it.
    var isRepeatable: Bool {
        switch self {
        case .entrypoint, .command, .environment, .port, .label: true
        case .user, .workingDirectory, .base, .certificates, .build, .expected: false
        }
    }
}

extension EnvironmentVariable {
    fileprivate init(option value: String) throws(PackagingOptionError) {
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
    fileprivate init(option value: String) throws(PackagingOptionError) {
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

    fileprivate init(option value: String) throws(PackagingOptionError) {
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
