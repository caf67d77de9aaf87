import Foundation
import Testing

/// Indexes of which something is missing, or to which an index is attached, on every way in and out.
@Suite("An incomplete index, or an attached one", .serialized)
struct IncompleteImageTests {
    private let sparse = ["BERTH_SPARSE": "mirror/*"]

    private func berth(_ program: Program, _ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            Program.path,
            [arguments[0], "--storage", program.storage.path] + arguments.dropFirst(),
            in: program.folder,
            environment: sparse
        )
    }

    /// A layout without the image for the other platform.
    private func withIncomplete(_ body: (Program, SampleLayout) async throws -> Void) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program)
            try FileManager.default.removeItem(at: layout.file(layout.foreign))
            try await body(program, layout)
        }
    }

    @Test("comes in where the repository may lack something, and is left out elsewhere beside the rest")
    func imports() async throws {
        try await withIncomplete { program, layout in
            let taken = try await berth(program, "import", "layout", "--as", "mirror/app")
            #expect(taken.status == 2, "\(taken.errors)")
            #expect(taken.output.split(separator: "\n").count == 3, "\(taken.output)")
            let absent = "without \(layout.foreign.digest), which is missing"
            #expect(taken.errors.contains("mirror/app:index: imported \(absent)"), "\(taken.errors)")
            #expect(taken.errors.contains("left out mirror/app:foreign"))
            let refused = try await berth(program, "import", "layout", "--as", "team/app", "--json")
            #expect(refused.status == 2)
            let document = try JSONSerialization.jsonObject(with: Data(refused.output.utf8)) as? NSDictionary
            let imported = try #require(document?["imported"] as? [NSDictionary])
            #expect(imported.compactMap { $0["name"] as? String } == ["team/app:image"])
            let leftOut = try #require(document?["leftOut"] as? [NSDictionary])
            #expect(
                leftOut.compactMap { $0["name"] as? String }.sorted() == [
                    "team/app:foreign", "team/app:index", "team/app:nested",
                ]
            )
            #expect("\(leftOut)".contains("\(layout.foreign.digest), which "), "\(leftOut)")
            #expect(!"\(leftOut)".contains("has no repository"))
        }
    }

    @Test("goes out without what is missing, which is told, and does not keep others back")
    func exports() async throws {
        try await withIncomplete { program, layout in
            _ = try await berth(program, "import", "layout", "--as", "mirror/app")
            let executable = try await program.compileStatic("app")
            _ = try await berth(program, "pack", executable.path, "team/app:1")
            let exported = try await berth(program, "export", "--output", "all.tar")
            #expect(
                exported.status == 0 && exported.output.hasPrefix("exported 4 tags"),
                "\(exported.errors)"
            )
            #expect(exported.errors.contains("left out 1 manifest or blob"), "\(exported.errors)")
            try FileManager.default.removeItem(at: program.storage)
            let back = try await berth(program, "import", "all.tar")
            #expect(back.status == 0 && back.output.split(separator: "\n").count == 4, "\(back.errors)")
        }
    }

    @Test("is copied to where it may lack something, and left out elsewhere beside the rest")
    func copies() async throws {
        try await withIncomplete { program, layout in
            _ = try await berth(program, "import", "layout", "--as", "mirror/app")
            let all = try await berth(program, "copy", "--all-tags", "mirror/app", "plain/app")
            #expect(all.status == 2 && all.output.hasPrefix("copied plain/app:image "), "\(all.errors)")
            #expect(all.output.split(separator: "\n").count == 1)
            #expect(
                all.errors.contains("left out plain/app:index: \(layout.foreign.digest), which "),
                "\(all.errors)"
            )
            let one = try await berth(program, "copy", "mirror/app:nested", "plain/app")
            #expect(
                one.status == 1 && one.output.isEmpty && one.errors.contains("is missing"),
                "\(one.errors)"
            )
            let taken = try await berth(program, "copy", "mirror/app:nested", "mirror/again")
            #expect(taken.status == 0 && taken.errors.contains("copied without"), "\(taken.errors)")
        }
    }

    @Test(
        "An index that says something about an image comes back with what it lists",
        arguments: ["--link", "--output"]
    )
    func attachedIndex(option: String) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program)
            let writer = LayoutWriter(adding: layout.folder, program)
            let child = try await writer.image("any", layout.layer, content: layout.layer.digest).image
            let attached = try await writer.add(
                [
                    "schemaVersion": 2, "mediaType": SampleLayout.indexType, "manifests": [child.json],
                    "subject": layout.image.json,
                ],
                type: SampleLayout.indexType
            )
            var named = layout.image.json
            named["annotations"] = ["org.opencontainers.image.ref.name": "team/app:1"]
            let index: [String: Any] = ["schemaVersion": 2, "manifests": [attached.json, named]]
            try JSONSerialization.data(withJSONObject: index)
                .write(to: layout.folder.appending(path: "index.json"))
            let first = try await berth(program, "import", "layout")
            #expect(first.status == 0 && first.errors.isEmpty, "\(first.errors)")
            let stored = try program.stored("blobs/sha256")
            let exported = try await berth(program, "export", option, "exported", "team/app:1")
            #expect(exported.status == 0 && exported.errors.isEmpty, "\(exported.errors)")
            try FileManager.default.removeItem(at: program.storage)
            let again = try await berth(program, "import", "exported")
            #expect(again.status == 0 && again.errors.isEmpty, "\(again.errors)")
            #expect(try program.stored("blobs/sha256") == stored)
            try await program.withServer { server in
                let url = "\(server.url)/v2/team/app"
                let list = try await RegistryContents.json("\(url)/referrers/\(layout.image.digest)", program)
                #expect(
                    (list["manifests"] as? [NSDictionary])?.first?["digest"] as? String == attached.digest
                )
                let digest = try await RegistryContents.digest("\(url)/manifests/\(child.digest)", program)
                #expect(digest == child.digest)
            }
        }
    }
}
