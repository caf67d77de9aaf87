import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Time zones")
struct TimeZonesTests {
    private static let program = staticExecutable([1, 2, 3])

    /// A folder of zones, and of things beside them.
    private static func withZones<Value>(_ body: (URL) throws -> Value) throws -> Value {
        try withTemporaryDirectory { directory in
            let zones = directory.appending(path: "zoneinfo")
            let files = [
                ("Europe/Paris", "TZif paris"), ("America/Argentina/Ushuaia", "TZif ushuaia"),
                ("UTC", "TZif utc"),
                ("Etc/GMT+1", "TZif one"), ("zone.tab", "TZif no"), ("README", "text"),
                ("posix/UTC", "TZif utc"),
                ("right/UTC", "TZif leap"), ("posixrules", "TZif rules"), ("localtime", "TZif here"),
            ]
            for (name, text) in files {
                let file = zones.appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Data(text.utf8).write(to: file)
            }
            try FileManager.default.createSymbolicLink(
                atPath: zones.appending(path: "Zulu").path,
                withDestinationPath: "UTC"
            )
            try FileManager.default.createSymbolicLink(
                atPath: zones.appending(path: "Loop").path,
                withDestinationPath: "."
            )
            return try body(zones)
        }
    }

    private static let listing = """
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/share/
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/share/zoneinfo/
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/share/zoneinfo/America/
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/share/zoneinfo/America/Argentina/
        -rw-r--r-- 0/0              12 1970-01-01 00:00:00 usr/share/zoneinfo/America/Argentina/Ushuaia
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/share/zoneinfo/Etc/
        -rw-r--r-- 0/0               8 1970-01-01 00:00:00 usr/share/zoneinfo/Etc/GMT+1
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/share/zoneinfo/Europe/
        -rw-r--r-- 0/0              10 1970-01-01 00:00:00 usr/share/zoneinfo/Europe/Paris
        -rw-r--r-- 0/0               8 1970-01-01 00:00:00 usr/share/zoneinfo/UTC
        hrw-r--r-- 0/0               0 1970-01-01 00:00:00 usr/share/zoneinfo/Zulu link to usr/share/zoneinfo/UTC

        """

    private static func packaged(
        _ zones: TimeZones?,
        _ options: [String]
    ) async throws -> (String, PackagedImage) {
        let packager = Packager(certificates: nil, timeZones: zones, workerCount: 1)
        let packaged = try await package(Self.program, options: pairs(options), with: packager)
        let listing = try withTemporaryDirectory { directory in
            let path = directory.appending(path: "layer.tar.gz").path
            try Data(packaged.layer).write(to: URL(filePath: path))
            return try run("tar", ["--full-time", "-tzvf", path])
        }
        return (listing, packaged.image)
    }

    @Test("They come along where they are asked for, sorted, once each, with their digest as an annotation")
    func contents() async throws {
        let zones = try Self.withZones { try TimeZones(contentsOfFolder: $0.path) }
        #expect(zones.count == 5)
        let app = "-rwxr-xr-x 0/0             123 1970-01-01 00:00:00 app\n"
        let (listing, image) = try await Self.packaged(zones, ["tz=1", "base=none"])
        #expect(listing == Self.listing + app)
        let manifest = String(decoding: image.manifest.bytes, as: UTF8.self)
        #expect(manifest.contains("\"berth.zoneinfo\":\"\(zones.digest)\""))
        #expect(image.notes.isEmpty)
        let (without, plain) = try await Self.packaged(zones, ["base=none"])
        #expect(without == app)
        #expect(!String(decoding: plain.manifest.bytes, as: UTF8.self).contains("zoneinfo"))
        let again = try Self.withZones { try TimeZones(contentsOfFolder: $0.path) }
        #expect(again == zones)
    }

    @Test("A folder of files gets them as well")
    func folder() async throws {
        let zones = try Self.withZones { try TimeZones(contentsOfFolder: $0.path) }
        let packager = Packager(certificates: nil, timeZones: zones, workerCount: 1)
        let members: [ArchiveMember] = [.file("app", Self.program), .file("usr/share/zoneinfo/UTC", "mine")]
        let packaged = try await package(
            folder: members.archive,
            options: [("entrypoint", "/app"), ("tz", "1"), ("base", "none")],
            with: packager
        )
        let listing = try withTemporaryDirectory { directory in
            let path = directory.appending(path: "layer.tar.gz").path
            try Data(packaged.layer).write(to: URL(filePath: path))
            return try run("tar", ["-tzf", path])
        }
        let names = listing.split(separator: "\n").map(String.init)
        #expect(names.contains("usr/share/zoneinfo/Europe/Paris"))
        #expect(names.count { $0 == "usr/share/zoneinfo/UTC" } == 1)
        // Which was to be another name for what is not there.
        #expect(!names.contains("usr/share/zoneinfo/Zulu"))
    }

    @Test("Where there are none the reply says so")
    func absence() async throws {
        let (_, image) = try await Self.packaged(nil, ["tz=1"])
        #expect(image.notes.contains(.noTimeZones))
        #expect("\(PackagingNote.noTimeZones)".contains("packaging.zoneinfo"))
        #expect(try TimeZones.ofHost(at: "/nonexistent") == nil)
        #expect(throws: TimeZonesError.unreadable) { try TimeZones(contentsOfFolder: "/nonexistent") }
        try withTemporaryDirectory { directory in
            #expect(throws: TimeZonesError.noZones) { try TimeZones(contentsOfFolder: directory.path) }
            let zones = try TimeZones.ofHost(at: directory.path)
            #expect(zones == nil)
        }
    }
}
