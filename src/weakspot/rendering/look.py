def look_fragment(l): return ""
