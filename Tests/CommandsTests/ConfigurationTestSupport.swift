import Foundation
import Testing

@testable import Commands

/// Decodes the text of a file, which is called `berth.yaml`.
func decode(yaml: String) throws(ConfigurationError) -> ConfigurationDocument {
    let document = ConfigurationDocument(ConfigurationFile(path: "berth.yaml", bytes: Array(yaml.utf8)))
    guard document.problems.isEmpty else { throw ConfigurationError(problems: document.problems) }
    return document
}

/// The problems of the text of a file, which is called `berth.yaml`.
func problems(yaml: String) -> [ConfigurationProblem] {
    ConfigurationDocument(ConfigurationFile(path: "berth.yaml", bytes: Array(yaml.utf8))).problems
}

/// The problems of the bytes of a file, which is called `berth.yaml`.
func problems(bytes: [UInt8]) -> [ConfigurationProblem] {
    ConfigurationDocument(ConfigurationFile(path: "berth.yaml", bytes: bytes)).problems
}

/// Runs a body with a folder of its own, and removes the folder.
func withConfigurationFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

/// The folder of the whole repository.
let repositoryFolder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A setting as a test's argument, so that a failure names its key.
struct SettingArgument: Sendable, CustomTestStringConvertible {
    let setting: any SettingDefinition

    static let all = Settings.all.map(SettingArgument.init)

    var testDescription: String { setting.key.path }
}

/// Numbers that look random and are the same for the same seed.
struct ConfigurationNoise: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
