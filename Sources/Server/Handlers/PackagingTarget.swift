import OCI
import Packager

/// What an upload's path names: `/team/app:1.2.0`, or `/team/App-linux-amd64` where curl has put the file's name.
struct PackagingTarget: Hashable {
    let repository: RepositoryName
    let tag: Tag
    /// What was changed about the name.
    let notes: [PackagingNote]

    init(_ path: [String]) throws {
        var path = path
        var tag: Tag = .latest
        let last = path.popLast() ?? ""
        let colon = last.firstIndex(of: ":")
        if let colon { tag = try Self.tag(last[last.index(after: colon)...]) }
        path.append(String(last[..<(colon ?? last.endIndex)]))
        self.tag = tag
        // A name with a tag was written by a person, and is meant as it stands.
        let name = try UploadName(path.joined(separator: "/"), dropsPlatform: colon == nil)
        repository = name.repository
        notes = name.notes
    }

    private static func tag(_ text: Substring) throws -> Tag {
        do { return try Tag(text) } catch { throw EndpointError.reference(.tag(error)) }
    }
}
