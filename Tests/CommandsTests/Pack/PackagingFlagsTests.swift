import ArgumentParser
import Packager
import Testing

@testable import Commands

@Suite("The options of berth pack")
struct PackagingFlagsTests {
    /// Those that are on by being there.
    private static let switches: Set<PackagingOptions.Name> = [.timeZones, .immutable, .dryRun]

    @Test("are all that an upload takes, called the same", arguments: PackagingOptions.Name.allCases)
    func complete(name: PackagingOptions.Name) throws {
        let isSwitch = Self.switches.contains(name)
        let words = isSwitch ? ["--\(name.rawValue)"] : ["--\(name.rawValue)", "a b"]
        let command = try PackCommand.parse(["app", "team/app"] + words)
        #expect(command.packaging.options.map(\.name) == [name])
        #expect(command.packaging.options.map(\.value) == [isSwitch ? "on" : "a b"])
        #expect(command.file == "app" && command.image == "team/app")
    }

    @Test(
        "that may be repeated keep their order, and the others are given once",
        arguments: PackagingOptions.Name.allCases
    )
    func repeated(name: PackagingOptions.Name) throws {
        guard !Self.switches.contains(name) else { return }
        let words = ["b", "a", "b"].flatMap { ["--\(name.rawValue)", $0] }
        let options = try PackCommand.parse(["app"] + words).packaging.options
        #expect(options.map(\.value) == (name.isRepeatable ? ["b", "a", "b"] : ["b"]) || options.count == 1)
        if name.isRepeatable { #expect(options.map(\.value) == ["b", "a", "b"]) }
    }

    @Test("are not there unless given")
    func none() throws {
        #expect(try PackCommand.parse(["app"]).packaging.options.isEmpty)
    }

    @Test("are escaped in the request")
    func target() {
        #expect(
            PackSource.target("team/a b:1", [(.environment, "A=1&2"), (.label, "ä=#")])
                == "/team/a%20b:1?env=A%3D1%262&label=%C3%A4%3D%23"
        )
        #expect(PackSource.target("app", []) == "/app")
    }

    @Test(
        "do not all go with other places than the storage folder",
        arguments: [
            (["--output", "x", "--ttl", "2h"], "--ttl says"),
            (["--push", "a.b/c", "--expect", "linux/amd64"], "--expect says"),
            (["--output", "x", "--immutable"], "--immutable says"),
            (["--push", "a.b/c", "--build", "1"], "--build"),
            (["--plain-http"], "--plain-http says how to --push"),
            (["--output", "app.tar.gz"], "name it app.tar"), (["--output", ""], "--output: name a folder"),
            (["--push", "https://a.b/c"], "without https://"),
            (["--push", "a.b/c", "--push", "a.b/c:latest"], "twice"),
        ]
    )
    func contradictions(words: [String], message: String) {
        let error = #expect(throws: (any Error).self) { try PackCommand.parse(["app"] + words) }
        #expect(error.map { PackCommand.message(for: $0) }?.contains(message) == true)
    }

    @Test("lead to files by how they end")
    func outputs() throws {
        #expect(try PackDestination(output: "a/b.tar", push: []).output == .archive("a/b.tar"))
        #expect(try PackDestination(output: "a/b", push: []).output == .layout("a/b"))
        #expect(try PackDestination(output: "tar", push: []).output == .layout("tar"))
        #expect(try PackDestination(output: nil, push: []).isStorage)
        let pushes = try PackDestination(output: nil, push: ["a.b/c", "d:5000/e:1"]).pushes
        #expect(pushes.map(\.description) == ["a.b/c:latest", "d:5000/e:1"])
    }
}
