package import OCI

extension PackagingOptions {
    /// The options as they came out, those left out with their defaults: what a reply repeats.
    ///
    /// The keys are the options' names; those that may be repeated have arrays.
    package var json: JSONValue { .object(imageMembers + tagMembers) }

    /// Those that say what the image is and what is attached to it, the same bytes for the same image.
    var imageJSON: JSONValue { .object(imageMembers + [billOfMaterialsMember]) }

    /// Those that say what the image is.
    var imageMembers: [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        func add(_ name: Name, _ value: JSONValue?) {
            if let value { members.append(.init(name.rawValue, value)) }
        }
        add(.entrypoint, entrypoint.map { .strings($0) })
        add(.command, command.isEmpty ? nil : .strings(command))
        add(.environment, environment.isEmpty ? nil : .strings(environment.map(\.description)))
        add(.port, ports.isEmpty ? nil : .strings(ports.map(\.description)))
        add(.label, labels.isEmpty ? nil : .sorted(labels))
        add(.annotation, annotations.isEmpty ? nil : .sorted(annotations))
        add(.user, .string(user.description))
        add(.workingDirectory, .string(workingDirectory))
        if let healthCheck {
            add(.healthCommand, .strings(healthCheck.test.dropFirst()))
            add(.healthInterval, healthCheck.interval.map { .string($0.text) })
            add(.healthTimeout, healthCheck.timeout.map { .string($0.text) })
            add(.healthStartPeriod, healthCheck.startPeriod.map { .string($0.text) })
            add(.healthRetries, healthCheck.retries.map { .integer(Int64($0)) })
        }
        add(.platform, platform.map { .string($0.description) })
        add(.created, created.map { .string($0) })
        add(.name, name.map { .string($0.rawValue) })
        add(.base, .string(base.rawValue))
        add(.certificates, .bool(certificates ?? (base == .default)))
        add(.timeZones, .bool(hasTimeZones))
        add(.compression, .string(compression.rawValue))
        add(.level, compression == .none ? nil : .string(level.rawValue))
        return members
    }

    private var billOfMaterialsMember: JSONValue.Member {
        let forms = BillOfMaterials.allCases.filter(billsOfMaterials.contains).map(\.rawValue)
        return .init(Name.billOfMaterials.rawValue, .strings(forms))
    }

    /// Those that say what becomes of it.
    private var tagMembers: [JSONValue.Member] {
        var members = [billOfMaterialsMember]
        if let build { members.append(.init(Name.build.rawValue, .string(build))) }
        if !expected.isEmpty {
            members.append(.init(Name.expected.rawValue, .strings(expected.map(\.description))))
        }
        if let timeToLive { members.append(.init(Name.timeToLive.rawValue, .string(timeToLive.text))) }
        members.append(.init(Name.immutable.rawValue, .bool(isImmutable)))
        members.append(.init(Name.dryRun.rawValue, .bool(isDryRun)))
        return members
    }
}
