import FoundationEssentials

/// How a container of an image starts, and what its file system is made of.
///
/// - SeeAlso: image-spec v1.1.1, config.md, "Properties"
package struct ImageConfiguration: Hashable, Sendable {
    /// What a container runs with.
    package struct Execution: Hashable, Sendable {
        /// `user`, `uid`, `user:group` or `uid:gid`; nil is root.
        package var user: String?
        /// `port/tcp`, `port/udp`, in the order wanted.
        package var exposedPorts: [String]
        /// `NAME=value`.
        package var environment: [String]
        package var entrypoint: [String]?
        package var command: [String]?
        package var workingDirectory: String?
        package var labels: [String: String]
        package var healthCheck: HealthCheck?

        package init(
            user: String? = nil,
            exposedPorts: [String] = [],
            environment: [String] = [],
            entrypoint: [String]? = nil,
            command: [String]? = nil,
            workingDirectory: String? = nil,
            labels: [String: String] = [:],
            healthCheck: HealthCheck? = nil
        ) {
            self.user = user
            self.exposedPorts = exposedPorts
            self.environment = environment
            self.entrypoint = entrypoint
            self.command = command
            self.workingDirectory = workingDirectory
            self.labels = labels
            self.healthCheck = healthCheck
        }
    }

    /// One step in the making of the image.
    package struct HistoryEntry: Hashable, Sendable {
        /// RFC 3339.
        package var created: String?
        package var createdBy: String?
        package var comment: String?

        package init(created: String? = nil, createdBy: String? = nil, comment: String? = nil) {
            self.created = created
            self.createdBy = createdBy
            self.comment = comment
        }
    }

    package var platform: Platform
    /// RFC 3339.
    package var created: String?
    package var execution: Execution
    /// The digests of the layers' uncompressed tar archives, lowest first.
    package var diffIDs: [Digest]
    package var history: [HistoryEntry]

    package init(
        platform: Platform,
        created: String? = nil,
        execution: Execution = Execution(),
        diffIDs: [Digest],
        history: [HistoryEntry] = []
    ) {
        self.platform = platform
        self.created = created
        self.execution = execution
        self.diffIDs = diffIDs
        self.history = history
    }
}

extension ImageConfiguration {
    /// The document in a fixed order of keys, without those that say nothing.
    package var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let created { members.append(.init("created", .string(created))) }
        if case .object(let platformMembers) = platform.json { members += platformMembers }
        members.append(.init("config", execution.json))
        members.append(
            .init(
                "rootfs",
                .object([
                    .init("type", .string("layers")),
                    .init("diff_ids", .strings(diffIDs.map(\.description))),
                ])
            )
        )
        if !history.isEmpty { members.append(.init("history", .array(history.map(\.json)))) }
        return .object(members)
    }
}

extension ImageConfiguration.Execution {
    /// The part in a fixed order of keys, without those that say nothing.
    package var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let user { members.append(.init("User", .string(user))) }
        if !exposedPorts.isEmpty {
            members.append(.init("ExposedPorts", .object(exposedPorts.map { .init($0, .object([])) })))
        }
        if !environment.isEmpty { members.append(.init("Env", .strings(environment))) }
        if let entrypoint { members.append(.init("Entrypoint", .strings(entrypoint))) }
        if let command { members.append(.init("Cmd", .strings(command))) }
        if let workingDirectory { members.append(.init("WorkingDir", .string(workingDirectory))) }
        if !labels.isEmpty { members.append(.init("Labels", .sorted(labels))) }
        if let healthCheck { members.append(.init("Healthcheck", healthCheck.json)) }
        return .object(members)
    }
}

extension ImageConfiguration.HistoryEntry {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let created { members.append(.init("created", .string(created))) }
        if let createdBy { members.append(.init("created_by", .string(createdBy))) }
        if let comment { members.append(.init("comment", .string(comment))) }
        return .object(members)
    }
}

extension ImageConfiguration: Decodable {
    private enum CodingKeys: CodingKey {
        case created, config, rootfs
    }

    private enum RootFSKeys: String, CodingKey {
        case diffIDs = "diff_ids"
    }

    /// Reads what `inspect` shows.
    ///
    /// Unknown fields and the history are passed over: the stored bytes have them.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        platform = try Platform(from: decoder)
        created = try container.decodeIfPresent(String.self, forKey: .created)
        execution = try container.decodeIfPresent(Execution.self, forKey: .config) ?? Execution()
        let rootFS = try container.nestedContainer(keyedBy: RootFSKeys.self, forKey: .rootfs)
        diffIDs = try rootFS.decodeIfPresent([Digest].self, forKey: .diffIDs) ?? []
        history = []
    }

    /// Parses a configuration blob.
    package init(parsing bytes: [UInt8]) throws(ImageConfigurationError) {
        do {
            self = try JSONDecoder().decode(ImageConfiguration.self, from: Data(bytes))
        } catch {
            throw ImageConfigurationError(problem: (error as? DecodingError)?.summary ?? "not a JSON object")
        }
    }
}

extension ImageConfiguration.Execution: Decodable {
    private enum CodingKeys: String, CodingKey {
        case user = "User"
        case exposedPorts = "ExposedPorts"
        case environment = "Env"
        case entrypoint = "Entrypoint"
        case command = "Cmd"
        case workingDirectory = "WorkingDir"
        case labels = "Labels"
        case healthCheck = "Healthcheck"
    }

    private struct Nothing: Decodable {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let ports = try container.decodeIfPresent([String: Nothing].self, forKey: .exposedPorts) ?? [:]
        self.init(
            user: try container.decodeIfPresent(String.self, forKey: .user),
            exposedPorts: ports.keys.sorted(),
            environment: try container.decodeIfPresent([String].self, forKey: .environment) ?? [],
            entrypoint: try container.decodeIfPresent([String].self, forKey: .entrypoint),
            command: try container.decodeIfPresent([String].self, forKey: .command),
            workingDirectory: try container.decodeIfPresent(String.self, forKey: .workingDirectory),
            labels: try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:],
            // Documents of others may have one of another shape, which is no reason not to show the rest.
            healthCheck: (try? container.decodeIfPresent(HealthCheck.self, forKey: .healthCheck)) ?? nil
        )
    }
}

/// Why bytes are no image configuration: they may be an artifact's.
package struct ImageConfigurationError: Error, Equatable, CustomStringConvertible {
    package let problem: String
    package var description: String { problem }
}
