package import OCI

/// What whoever sends a program says about its image, beyond the defaults.
package struct PackagingOptions: Hashable, Sendable {
    /// What a container runs, in place of the program alone.
    package var entrypoint: [String]?
    /// Arguments that follow the entry point unless the container is started with others.
    package var command: [String] = []
    package var environment: [EnvironmentVariable] = []
    /// Without repetitions, in the order of their numbers.
    package var ports: [ExposedPort] = []
    package var labels: [String: String] = [:]
    package var user = ImageUser.nonroot
    /// An absolute path.
    package var workingDirectory = "/"
    package var base = Base.default
    /// Whether the root certificates come along; nil where the base decides.
    package var certificates: Bool?

    /// What the images of one build have in common, whose platforms are uploaded apart; nil where there is no more to say
    /// than the program itself tells.
    package var build: String?
    /// The platforms that have to be there before the tag moves; empty where it does not wait.
    package var expected: [Platform] = []

    /// The files that come along with a program.
    package enum Base: String, CaseIterable, Hashable, Sendable {
        /// Accounts, a place for temporary files and a home; and root certificates, unless they are declined.
        case `default`
        /// Nothing, unless certificates are asked for.
        case none
    }

    /// The options' names, as they stand in a query.
    package enum Name: String, CaseIterable, Hashable, Sendable {
        case entrypoint
        case command = "cmd"
        case environment = "env"
        case port
        case label
        case user
        case workingDirectory = "workdir"
        case base
        case certificates = "ca"
        case build
        case expected = "expect"
    }

    /// How much may be said.
    ///
    /// It all goes into the image's configuration, which every client reads into memory.
    package enum Limit {
        /// How often an option may be repeated; no Dockerfile comes near it.
        package static let repetitions = 128
        /// The longest value in bytes; query strings are cut off earlier.
        package static let valueSize = 32_768
        /// The longest name of a variable or a label in bytes.
        package static let nameSize = 255
        /// How many platforms can be waited for; there are not half as many.
        package static let platforms = 64
        /// What all values may have together in bytes.
        package static let totalSize = 262_144
    }

    /// Nothing said.
    package init() {}
}

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
