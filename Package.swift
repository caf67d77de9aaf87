// swift-tools-version: 6.2

import PackageDescription

/// The strictest mode that the compiler offers, for every target alike.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1: Target.Dependency = .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let serviceLifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle",
    package: "swift-service-lifecycle"
)
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

// The arrows between targets run one way. Tests/LayeringTests holds every import against the same table.
let package = Package(
    name: "berth",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "berth", targets: ["berth"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "OCI", dependencies: [crypto], swiftSettings: strict),
        .target(name: "Executables", swiftSettings: strict),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        // An encoder that is not optimised takes fifty times as long, and tests with it.
        .target(
            name: "Archive",
            dependencies: ["CZlib", "CZstd"],
            swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]
        ),
        .systemLibrary(name: "CLinux"),
        .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "Storage",
            dependencies: ["OCI", "CSQLite", "CLinux", nioCore, nioPosix, grdb, grdbSQLite, logging],
            swiftSettings: strict
        ),
        .target(name: "Packager", dependencies: ["OCI", "Executables", "Archive"], swiftSettings: strict),
        .target(
            name: "Registry",
            dependencies: ["OCI", "Storage", "Packager", "Archive", nioCore, logging],
            swiftSettings: strict
        ),
        .target(
            name: "Server",
            dependencies: [
                "OCI", "Storage", "Registry", "Packager", hummingbird, hummingbirdCore, nioCore, nioPosix,
                nioHTTP1,
                nioHTTPTypes, nioHTTPTypesHTTP1, httpTypes, logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Commands",
            dependencies: [
                "OCI", "CLinux", "Executables", "Archive", "Storage", "Packager", "Registry", "Server",
                argumentParser,
                configuration, yams, serviceLifecycle, unixSignals, asyncHTTPClient, nioCore, nioPosix,
                nioHTTP1, logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(name: "berth", dependencies: ["Commands"], swiftSettings: strict),
        .target(
            name: "TestSupport",
            dependencies: [
                "OCI", "Archive", "Storage", "Packager", "Registry", "Server", hummingbird, nioCore,
                nioEmbedded, httpTypes, logging, serviceLifecycle,
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        // A layer of SQLite's file system that records and fails on demand; for tests alone.
        .target(
            name: "CSQLiteProbe",
            path: "Tests/CSQLiteProbe",
            linkerSettings: [.linkedLibrary("sqlite3")]
        ),
        .testTarget(name: "OCITests", dependencies: ["OCI"], swiftSettings: strict),
        .testTarget(name: "ExecutablesTests", dependencies: ["Executables"], swiftSettings: strict),
        .testTarget(name: "ArchiveTests", dependencies: ["Archive"], swiftSettings: strict),
        .testTarget(
            name: "StorageTests",
            dependencies: [
                "OCI", "Storage", "TestSupport", "CSQLiteProbe", nioCore, nioPosix, grdb, logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "PackagerTests",
            dependencies: ["Packager", "Archive", "OCI"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RegistryTests",
            dependencies: ["OCI", "Storage", "Registry", "TestSupport", nioCore],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "OCI", "Archive", "Storage", "Registry", "Server", "TestSupport", nioCore, nioEmbedded,
                nioHTTP1, httpTypes,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CommandsTests",
            dependencies: ["Commands", "OCI", "Archive", nioCore, logging],
            swiftSettings: strict
        ),
        .testTarget(name: "LayeringTests", swiftSettings: strict),
        .testTarget(name: "EndToEndTests", dependencies: ["berth"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
