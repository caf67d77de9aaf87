import OCI

extension PackagingOptions {
    /// Parses options as they stand in a query, in order.
    ///
    /// `entrypoint`, `cmd`, `health-cmd`, `env`, `port`, `label` and `annotation` may be repeated: every `entrypoint` and
    /// `cmd` is one argument. The others are given at most once. Switches are `on` or `off`, or one of their usual
    /// synonyms; one without a value is on.
    package init(_ pairs: [(name: String, value: String)]) throws(PackagingOptionError) {
        var counts: [Name: Int] = [:]
        var totalSize = 0
        var health = HealthCheck.Options()
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
            if try health.take(name, value) { continue }
            try set(name, to: value)
        }
        healthCheck = try health.finished()
        ports = Set(ports).sorted()
        if compression == .none, counts[.level] != nil {
            throw .invalid(.level, level.rawValue, "nothing is compressed with compress=none")
        }
    }

    private mutating func set(_ name: Name, to value: String) throws(PackagingOptionError) {
        switch name {
        case .entrypoint, .command, .environment, .port, .user, .workingDirectory:
            try setExecution(name, to: value)
        case .label: try Self.add(value, to: &labels, as: name)
        case .annotation: try Self.add(value, to: &annotations, as: name)
        case .healthCommand, .healthInterval, .healthTimeout, .healthStartPeriod, .healthRetries:
            preconditionFailure("a health check's options are taken before")
        case .platform: platform = try Self.platform(value)
        case .created:
            guard CalendarTime.isWellFormed(value) else {
                throw .invalid(name, value, "it is a time in UTC, such as 2026-11-23T09:31:24Z")
            }
            created = value
        case .name: self.name = try ExecutableName(option: value)
        case .base: base = try Self.choice(name, value)
        case .certificates: certificates = try Self.isOn(name, value)
        case .timeZones: hasTimeZones = try Self.isOn(name, value)
        case .compression: compression = try Self.choice(name, value)
        case .level: level = try Self.choice(name, value)
        case .billOfMaterials: billsOfMaterials = try Self.billsOfMaterials(value)
        case .build: build = try Self.build(value)
        case .expected: expected = try Self.platforms(value)
        case .timeToLive: timeToLive = try Self.duration(name, value, within: Limit.timeToLive)
        case .immutable: isImmutable = try Self.isOn(name, value)
        case .dryRun: isDryRun = try Self.isOn(name, value)
        }
    }

    private mutating func setExecution(_ name: Name, to value: String) throws(PackagingOptionError) {
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
        case .user: user = try ImageUser(option: value)
        default: workingDirectory = try Self.absolutePath(value)
        }
    }

    private static func platform(_ value: String) throws(PackagingOptionError) -> Platform {
        guard let platform = Platform(value) else {
            throw .invalid(.platform, value, "it is a platform, such as linux/arm64 or linux/arm/v7")
        }
        // Of these no client finds an image for itself.
        guard platform.architecture != "amd64" || platform.variant == nil else {
            throw .invalid(
                .platform,
                value,
                "clients find no image for amd64 with a variant: write linux/amd64"
            )
        }
        return platform
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

    private static func build(_ value: String) throws(PackagingOptionError) -> String {
        let isName = value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isName, (1...Limit.nameSize).contains(value.utf8.count) else {
            throw .invalid(
                .build,
                value,
                "it is 1 to \(Limit.nameSize) printable characters without spaces"
            )
        }
        return value
    }

    private static func add(
        _ value: String,
        to texts: inout [String: String],
        as name: Name
    ) throws(PackagingOptionError) {
        guard let equals = value.firstIndex(of: "="), equals > value.startIndex else {
            throw .invalid(name, value, "it has the form KEY=VALUE")
        }
        let key = value[..<equals]
        let isPrintable = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPrintable, key.utf8.count <= Limit.nameSize else {
            throw .invalid(
                name,
                value,
                "a key is at most \(Limit.nameSize) printable characters without spaces"
            )
        }
        if name == .annotation, key.hasPrefix(ImageRecipe.Key.ownPrefix) {
            throw .invalid(
                name,
                value,
                "keys that begin with \(ImageRecipe.Key.ownPrefix) are the registry's"
            )
        }
        guard texts.updateValue(String(value[value.index(after: equals)...]), forKey: String(key)) == nil
        else {
            throw .invalid(name, value, "every \(name.rawValue) is given once")
        }
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

    private static func billsOfMaterials(
        _ value: String
    ) throws(PackagingOptionError) -> Set<BillOfMaterials> {
        switch value {
        case "on": return Set(BillOfMaterials.allCases)
        case "off": return []
        default:
            guard let form = BillOfMaterials(rawValue: value) else {
                throw .invalid(.billOfMaterials, value, "it is spdx, cyclonedx, on (both) or off")
            }
            return [form]
        }
    }

    /// The one of a few words that was chosen.
    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: Name,
        _ value: String
    ) throws(PackagingOptionError) -> Choice {
        guard let choice = Choice(rawValue: value) else {
            let words = Choice.allCases.map(\.rawValue)
            let list = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
            throw .invalid(name, value, "it is \(list)")
        }
        return choice
    }

    static func duration(
        _ name: Name,
        _ value: String,
        within range: ClosedRange<Duration>
    ) throws(PackagingOptionError) -> Duration {
        guard let duration = try? Duration(text: value), range.contains(duration) else {
            throw .invalid(
                name,
                value,
                "it is a whole number with ms, s, m, h or d, from \(range.lowerBound.text) to \(range.upperBound.text)"
            )
        }
        return duration
    }

    private static func isOn(_ name: Name, _ value: String) throws(PackagingOptionError) -> Bool {
        switch value {
        case "", "on", "1", "true", "yes": true
        case "off", "0", "false", "no": false
        default: throw .invalid(name, value, "it is on or off")
        }
    }
}

extension PackagingOptions.Name {
    /// Whether the option adds to what it said before, rather than contradicting it.
    package var isRepeatable: Bool {
        switch self {
        case .entrypoint, .command, .environment, .port, .label, .annotation, .healthCommand: true
        default: false
        }
    }
}
