import Foundation
import Glibc
import Testing

@testable import Commands

@Suite("Finding and reading the configuration file")
struct ConfigurationFileTests {
    private func write(_ text: String, _ name: String, in folder: URL) throws -> String {
        let path = folder.appending(path: name).path
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    @Test("The flag goes before the variable, which goes before the standard file")
    func order() throws {
        try withConfigurationFolder { folder in
            let flag = try write("port: 1", "flag.yaml", in: folder)
            let variable = try write("port: 2", "variable.yaml", in: folder)
            let standard = try write("port: 3", "standard.yaml", in: folder)
            for (named, environment, expected) in [
                (flag, ["BERTH_CONFIG": variable], 1), (nil, ["BERTH_CONFIG": variable], 2), (nil, [:], 3),
            ] as [(String?, [String: String], Int)] {
                let loaded = try BerthConfiguration.load(
                    flags: ConfigurationFlags(file: named),
                    environment: environment,
                    standardFile: standard
                )
                #expect(loaded.port == expected)
                #expect(loaded.file == [flag, variable, standard][expected - 1])
            }
        }
    }

    @Test("A standard file that does not exist is no problem; a named one is")
    func missing() throws {
        try withConfigurationFolder { folder in
            let path = folder.appending(path: "none.yaml").path
            let below = try write("", "file", in: folder) + "/berth.yaml"
            for standard in [path, below] {
                #expect(try BerthConfiguration.load(environment: [:], standardFile: standard).file == nil)
            }
            let byFlag = #expect(throws: ConfigurationError.self) {
                try BerthConfiguration.load(flags: ConfigurationFlags(file: path), environment: [:])
            }
            let byVariable = #expect(throws: ConfigurationError.self) {
                try BerthConfiguration.load(environment: ["BERTH_CONFIG": path])
            }
            let message = "\(path): cannot read the configuration file: No such file or directory"
            #expect(byFlag?.description == "\(message); --config names it")
            #expect(byVariable?.description == "\(message); BERTH_CONFIG names it")
        }
    }

    @Test("An empty name is a problem of what gave it")
    func emptyName() {
        let byFlag = #expect(throws: ConfigurationError.self) {
            try BerthConfiguration.load(flags: ConfigurationFlags(file: ""), environment: [:])
        }
        #expect(byFlag?.problems == [.init(.flag("--config"), .noFileName)])
        let byVariable = #expect(throws: ConfigurationError.self) {
            try BerthConfiguration.load(environment: ["BERTH_CONFIG": ""])
        }
        #expect(byVariable?.problems == [.init(.environment("BERTH_CONFIG"), .noFileName)])
    }

    @Test("A folder is a problem, also in the standard place")
    func folder() throws {
        try withConfigurationFolder { folder in
            for flags in [ConfigurationFlags(file: folder.path), ConfigurationFlags()] {
                let error = #expect(throws: ConfigurationError.self) {
                    try BerthConfiguration.load(flags: flags, environment: [:], standardFile: folder.path)
                }
                #expect(error?.problems == [.init(.file(folder.path), .folder)])
            }
        }
    }

    @Test("A file that cannot be read is a problem, also in the standard place")
    func unreadable() throws {
        try withConfigurationFolder { folder in
            let path = folder.appending(path: "loop.yaml").path
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "loop.yaml")
            let error = #expect(throws: ConfigurationError.self) {
                try BerthConfiguration.load(environment: [:], standardFile: path)
            }
            let reason = "Too many levels of symbolic links"
            #expect(error?.problems == [.init(.file(path), .unreadable(reason, namedBy: nil))])
        }
    }

    @Test(
        "A file without the permission to read is a problem",
        .enabled(if: geteuid() != 0, "root may read all")
    )
    func forbidden() throws {
        try withConfigurationFolder { folder in
            let path = try write("port: 1", "berth.yaml", in: folder)
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
            let error = #expect(throws: ConfigurationError.self) {
                try BerthConfiguration.load(environment: [:], standardFile: path)
            }
            #expect(error?.problems == [.init(.file(path), .unreadable("Permission denied", namedBy: nil))])
        }
    }

    @Test("A pipe and an empty device are files, and an endless one is too long")
    func devices() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("port: 7\n".utf8))
        try pipe.fileHandleForWriting.close()
        let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
        let piped = try BerthConfiguration.load(flags: ConfigurationFlags(file: path), environment: [:])
        #expect(piped.port == 7)
        let null = try BerthConfiguration.load(flags: ConfigurationFlags(file: "/dev/null"), environment: [:])
        #expect(null.settings.allSatisfy { $0.origin == .standard })
        let error = #expect(throws: ConfigurationError.self) {
            try BerthConfiguration.load(flags: ConfigurationFlags(file: "/dev/zero"), environment: [:])
        }
        #expect(error?.problems == [.init(.file("/dev/zero"), .tooLarge)])
    }

    @Test("The limit is 1 MiB to the byte", arguments: [(0, true), (1, false)])
    func limit(_ excess: Int, _ isLegal: Bool) throws {
        try withConfigurationFolder { folder in
            let comment = String(repeating: "#", count: ConfigurationFile.byteLimit - 9 + excess)
            let path = try write("port: 7\n" + comment + "\n", "berth.yaml", in: folder)
            let loaded = Result { try BerthConfiguration.load(environment: [:], standardFile: path) }
            if isLegal {
                #expect(try loaded.get().port == 7)
            } else {
                #expect(throws: ConfigurationError(problems: [.init(.file(path), .tooLarge)])) {
                    try loaded.get()
                }
            }
        }
    }

    @Test(
        "Text that is not UTF-8 is a problem at its line",
        arguments: [
            ([0xFF], 1), ([0x61, 0x0A, 0xC3, 0x28], 2), ([0xEF, 0xBB, 0xBF, 0x0A, 0x0A, 0x80], 3),
            ([0xFF, 0xFE, 0x61, 0x00], 1), ([0xED, 0xA0, 0x80], 1), ([0xC0, 0x80], 1),
            ([0xF4, 0x90, 0x80, 0x80], 1),
        ] as [([UInt8], Int)]
    )
    func notUTF8(_ bytes: [UInt8], _ line: Int) {
        #expect(problems(bytes: bytes) == [.init(.file("berth.yaml", line: line), .notUTF8)])
    }
}
