/// Which modules each target may import: the arrows of docs/architecture.md, and nothing else.
enum ImportTable {
    /// Part of every installation of Swift on Linux; free to all targets.
    static let standard: Set<String> = ["Dispatch", "Glibc", "Swift", "Synchronization"]

    private static let nio: Set<String> = [
        "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOPosix",
    ]

    /// The modules that a target may import beside the standard ones.
    static let allowed: [String: Set<String>] = [
        "OCI": ["Crypto", "FoundationEssentials"],
        "Executables": [],
        "Archive": ["CZlib", "CZstd"],
        "Storage": nio.union([
            "OCI", "CLinux", "CSQLite", "GRDB", "GRDBSQLite", "Logging", "FoundationEssentials",
        ]),
        "Packager": ["OCI", "Executables", "Archive", "FoundationEssentials"],
        "Registry": [
            "OCI", "Storage", "Packager", "Executables", "Archive", "NIOCore", "Logging",
            "FoundationEssentials",
        ],
        "Server": nio.union([
            "OCI", "Storage", "Registry", "Packager", "Hummingbird", "HummingbirdCore", "HTTPTypes",
            "Logging",
            "FoundationEssentials",
        ]),
        "Commands": nio.union([
            "OCI", "CLinux", "Executables", "Archive", "Storage", "Packager", "Registry", "Server",
            "ArgumentParser", "Configuration", "Yams", "ServiceLifecycle", "UnixSignals", "AsyncHTTPClient",
            "Logging", "FoundationEssentials",
        ]),
        "berth": ["Commands"],
    ]

    /// Modules that few folders of a target may import, so that what they bring stays there.
    static let confined: [String: [String]] = [
        "Crypto": ["OCI/Digester.swift"],
        "GRDB": ["Storage/SQLite/"],
        "GRDBSQLite": ["Storage/SQLite/LogLength.swift"],
        "CSQLite": ["Storage/SQLite/Database+Closing.swift"],
        "CLinux": ["Storage/Blobs/POSIXFileOperations.swift", "Commands/ProgramMemory.swift"],
        "CZlib": ["Archive/"],
        "CZstd": ["Archive/"],
        "Yams": ["Commands/Configuration/"],
        "Configuration": ["Commands/Configuration/"],
        "AsyncHTTPClient": ["Commands/Owner/", "Commands/RegistryClient/"],
    ]
}
