import CLinux
import Glibc

/// The memory that the program's own code and constants take.
enum ProgramMemory {
    /// Gives back what of them has been used so far, most of it by the start alone.
    ///
    /// The kernel counts 64 KiB for this process wherever one page was touched. These pages are the program's file, which
    /// nothing writes to: what is needed again is mapped again, out of the page cache, at a microsecond for each 64 KiB.
    static func releaseUsed() {
        // SAFETY: the headers are the program's, and stay as long as it runs.
        guard let first = UnsafePointer<Elf64_Phdr>(bitPattern: UInt(getauxval(UInt(AT_PHDR)))) else {
            return
        }
        let segments = UnsafeBufferPointer(start: first, count: Int(getauxval(UInt(AT_PHNUM))))
        guard let headers = segments.first(where: { $0.p_type == UInt32(PT_PHDR) }) else { return }
        let base = UInt(bitPattern: first) &- UInt(headers.p_vaddr)
        let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
        for segment in segments
        where segment.p_type == UInt32(PT_LOAD) && segment.p_flags & UInt32(PF_W) == 0 {
            let start = (base &+ UInt(segment.p_vaddr)) & ~(page - 1)
            let end = base &+ UInt(segment.p_vaddr) &+ UInt(segment.p_memsz)
            // It is advice: where it is not taken the memory stays.
            _ = madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_DONTNEED)
        }
    }
}
